using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Appliance.Lab.Remote;

namespace Appliance.Lab;

/// <summary>The options of <c>up</c>.</summary>
/// <param name="State">The state folder.</param>
/// <param name="Configuration">The file that a fresh state boots; null for the ready-made lab.</param>
/// <param name="BoardFile">The board's description (board.json).</param>
/// <param name="Clock">The rate of time; null as stored in the state.</param>
/// <param name="LabPort">The port of the lab API; 0 takes a free one.</param>
/// <param name="Personality">The release profile; null for the default one.</param>
/// <param name="Push">The path of pushes through proxy and providers; null for the in-process push cloud.</param>
/// <param name="FaultsFile">The file with the faults at the start; null for none.</param>
internal sealed record LabOptions(
    string State,
    string? Configuration,
    string BoardFile,
    ClockRate? Clock,
    int LabPort,
    Personality? Personality = null,
    PushOptions? Push = null,
    string? FaultsFile = null
)
{
    /// <summary>The first three numbers of every interface's address; null as the board has it.</summary>
    public string? Network { get; init; }

    /// <summary>The address at which phones of the network find their card, by HTTPS; null for none.</summary>
    public IPEndPoint? LabListen { get; init; }

    /// <summary>
    /// True: the first error in <see cref="Configuration"/> ends the start. False: the parts without an effect are omitted and reported.
    /// </summary>
    public bool Strict { get; init; }

    /// <summary>The host's clock; null for the system's.</summary>
    public TimeProvider? Wall { get; init; }
}

/// <summary>The options of <c>up --box</c>.</summary>
/// <param name="Place">The address of the unit.</param>
/// <param name="State">The folder of the console's socket; the unit's state is on the box.</param>
/// <param name="LabPort">The port of the lab API; 0 takes a free one.</param>
/// <param name="LabListen">The address at which phones of the network find their card, by HTTPS; null for none.</param>
internal sealed record BoxLabOptions(RemoteEndpoint Place, string State, int LabPort, IPEndPoint? LabListen = null);
