using System.Net;
using System.Security.Cryptography;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Lab.Composition;

/// <summary>Everything in which one lab differs from another.</summary>
/// <param name="Clock">The clock of the unit and of all test doubles. The caller disposes it.</param>
/// <param name="Network">Sockets or memory.</param>
/// <param name="StateFolder">The state folder of the unit.</param>
internal sealed record LabParts(LabClock Clock, ILabNetwork Network, string StateFolder)
{
    /// <summary>The appliance; null in a lab with the FortiAuthenticator emulator alone.</summary>
    public ApplianceParts? Appliance { get; init; }

    /// <summary>The settings of the FortiAuthenticator emulator; null for none.</summary>
    public FacSettings? Authenticator { get; init; }

    /// <summary>The state folder of the emulator; null for <c>fac</c> in the unit's.</summary>
    public string? AuthenticatorFolder { get; init; }

    /// <summary>The path of pushes through proxy and providers; null for the in-process push cloud.</summary>
    public PushOptions? Push { get; init; }

    /// <summary>The faults at the start.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>The address from which phones connect; null if the system chooses it.</summary>
    public IPAddress? PhoneAddress { get; init; }

    /// <summary>True if the messages of logins are recorded.</summary>
    public bool HasWireCapture { get; init; }

    /// <summary>Receives the framework's diagnostics, and messages of the lab that are no events.</summary>
    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The category of the lab's own messages.</summary>
    public string LogCategory { get; init; } = "lab";

    /// <summary>Advances the clock for <c>execute date</c> and the fault <c>clock.step</c>; null uses the clock directly.</summary>
    public Action<TimeSpan>? Step { get; init; }

    /// <summary>Called as soon as the phones exist, before the lab acquires any port; null for nothing.</summary>
    public Func<LabBase, Task>? Opened { get; init; }
}

/// <summary>The appliance of a lab.</summary>
/// <param name="Board">The hardware description, with the addresses that the interfaces have here.</param>
/// <param name="Configuration">The CLI text that a unit without state boots.</param>
internal sealed record ApplianceParts(Board Board, string Configuration)
{
    /// <summary>The release profile; null for the default one.</summary>
    public Personality? Personality { get; init; }

    /// <summary>True: the first error in <see cref="Configuration"/> ends the start.</summary>
    public bool Strict { get; init; } = true;

    /// <summary>The maximum number of connections of the unit.</summary>
    public int Connections { get; init; } = UnitOptions.ConnectionsMost;

    /// <summary>The serial number; null for one that is generated on first boot.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>The source of random values that appear in logs; null for the system's.</summary>
    public RandomNumberGenerator? Numbers { get; init; }

    /// <summary>Receives the unit's pushes in place of the lab's phones; null for the phones.</summary>
    public IPushSender? PushSender { get; init; }

    /// <summary>Returns the panel that the unit gets for the lab's panel; null for the panel itself.</summary>
    public Func<IFrontPanel, IFrontPanel>? OverPanel { get; init; }

    /// <summary>Called before the unit stops for a restart or a shutdown.</summary>
    public Action? GoingDown { get; init; }

    /// <summary>Called when the next unit is up.</summary>
    public Action? Up { get; init; }

    /// <summary>Called after a shutdown (null), or when the next unit does not start.</summary>
    public Action<Exception?>? Off { get; init; }
}
