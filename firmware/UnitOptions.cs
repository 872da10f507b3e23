using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Observation;
using Appliance.Hal;
using Microsoft.Extensions.Logging;

namespace Appliance.Firmware;

/// <summary>Everything that a unit receives from its host.</summary>
/// <param name="StateFolder">The folder of configuration, keys and the state database; created if missing.</param>
/// <param name="Nics">The interfaces of the board, in order.</param>
/// <param name="Time">The only clock.</param>
/// <param name="PushSender">A sender to the phones instead of the push proxy; null for the proxy.</param>
/// <param name="FirstConfiguration">The CLI text that a unit without state boots.</param>
/// <param name="Log">Receives the framework's own diagnostics.</param>
/// <param name="Personality">The release profile; null for the default one.</param>
/// <param name="PushProxy">The push proxy; null if the unit has none.</param>
public sealed record UnitOptions(
    string StateFolder,
    IReadOnlyList<INic> Nics,
    TimeProvider Time,
    IPushSender? PushSender,
    string FirstConfiguration,
    ILoggerFactory Log,
    Personality? Personality = null,
    PushProxyOptions? PushProxy = null
)
{
    /// <summary>The upper limit of connections for any unit, however many descriptors there are.</summary>
    public const int ConnectionsMost = 20_000;

    /// <summary>
    /// True: the first error in <see cref="FirstConfiguration"/> ends the start. False: it is read like a restored file, and the parts
    /// without an effect are in <see cref="ConfigStore.Ignored"/>.
    /// </summary>
    public bool Strict { get; init; } = true;

    /// <summary>
    /// Sets the clock (<c>execute date</c>); returns null on success, otherwise the reason. Null if the unit may not set it.
    /// </summary>
    public Func<DateTimeOffset, string?>? SetClock { get; init; }

    /// <summary>
    /// The source of random values that appear in logs (tunnels, trial tokens); null for the system's. No secret ever originates here.
    /// </summary>
    public RandomNumberGenerator? Numbers { get; init; }

    /// <summary>The unit's serial number; null for one that is generated on first boot.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>The hardware description; null if it does not matter.</summary>
    public Board? Board { get; init; }

    /// <summary>The maximum number of connections of all services together; at least 12.</summary>
    public int Connections { get; init; } = ConnectionsMost;

    /// <summary>The box's panel; null without one. The caller disposes it.</summary>
    public IFrontPanel? Panel { get; init; }

    /// <summary>The box's temperature and fan; null without them. The caller disposes it.</summary>
    public Cooling? Cooling { get; init; }

    /// <summary>The box's firmware slots; null if it has none.</summary>
    public IFirmwareSlots? Slots { get; init; }

    /// <summary>
    /// The network behind the tunnels of the SSL VPN; null for none, so that the packets of tunnels are lost. The caller disposes it.
    /// </summary>
    public ITunnelNetwork? TunnelNetwork { get; init; }

    /// <summary>The wire capture of the unit's messages; null on a box.</summary>
    public IWireObserver? Observer { get; init; }
}
