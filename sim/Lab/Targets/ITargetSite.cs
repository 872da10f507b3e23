using System.Net;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Lab.Remote;

namespace Appliance.Lab.Targets;

/// <summary>Where a box with an agent stands: how it is reached, and what can be done to it from outside.</summary>
internal interface ITargetSite
{
    /// <summary>Which of <see cref="Scenarios.StepWord.Needs"/> it has.</summary>
    IReadOnlySet<string> Offers { get; }

    /// <summary>The first three numbers of its addresses: portN is the Nth.</summary>
    string Network { get; }

    /// <summary>The name of its board.</summary>
    string Board { get; }

    /// <summary>True: its clock is set to the bench's. False: it has one that is right.</summary>
    bool TakesOurTime { get; }

    /// <summary>The lines of its panel, where that is offered.</summary>
    PanelLines Panel { get; }

    /// <summary>The bench's end of the lab link. An earlier one must be closed.</summary>
    Task<Stream> LinkAsync();

    /// <summary>An interface of the bench's with an address of a scenario, or with the bench's only one.</summary>
    INic NicAt(string name, IPAddress address);

    /// <summary>An interface where the box finds its mail server, where the inbox is offered.</summary>
    Task<INic> MailNicAsync(IPAddress address);

    /// <summary>Opens the unit's console at the end of a serial cable; null where there is none, and lines go over the link.</summary>
    /// <exception cref="LabFailure">It cannot be opened.</exception>
    SerialConsoleDriver? OpenConsole() => null;

    /// <summary>Plugs or pulls a cable, where that is offered.</summary>
    Task SetCableAsync(string nic, bool up);
}
