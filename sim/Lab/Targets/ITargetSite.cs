using System.Net;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Lab.Remote;

namespace Appliance.Lab.Targets;

/// <summary>The place of a box with an agent: how it is reached, and which parts are within reach. A part out of reach is null.</summary>
internal interface ITargetSite
{
    /// <summary>The first three numbers of its addresses: portN is the Nth.</summary>
    string Network { get; }

    /// <summary>The name of its board.</summary>
    string Board { get; }

    /// <summary>True: its clock is set to the controller's. False: its own clock is right.</summary>
    bool TakesOurTime { get; }

    /// <summary>True if this machine can give clients and phones the addresses that a scenario gives them.</summary>
    bool HasSources { get; }

    /// <summary>The lines of its panel.</summary>
    PanelLines? Panel { get; }

    /// <summary>Its cables.</summary>
    ISiteCables? Cables { get; }

    /// <summary>The network in which the box finds its mail server.</summary>
    ISiteMail? Mail { get; }

    /// <summary>Returns the box to its initial state, before the link is opened.</summary>
    Task PrepareAsync() => Task.CompletedTask;

    /// <summary>Opens the controller's end of the lab link. An earlier one must be closed.</summary>
    Task<Stream> LinkAsync();

    /// <summary>An interface of the controller with an address of a scenario, or with the controller's only one.</summary>
    INic NicAt(string name, IPAddress address);

    /// <summary>Opens the unit's console at the end of a serial cable; null without a cable: lines are sent over the link.</summary>
    /// <exception cref="LabFailure">It cannot be opened.</exception>
    SerialConsoleDriver? OpenConsole() => null;
}

/// <summary>The cables of a box.</summary>
internal interface ISiteCables
{
    /// <summary>Plugs or pulls a cable.</summary>
    Task SetAsync(string nic, bool up);
}

/// <summary>The network in which a box finds its mail server.</summary>
internal interface ISiteMail
{
    /// <summary>An interface with the address of the mail server.</summary>
    Task<INic> NicAsync(IPAddress address);
}
