using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Microsoft.Extensions.Logging;

namespace Appliance.Firmware;

/// <summary>Everything that a unit gets from the place where it runs.</summary>
/// <param name="StateFolder">Where configuration, keys and the state database live; made when missing.</param>
/// <param name="Nics">The interfaces of the board, in order.</param>
/// <param name="Time">The only clock.</param>
/// <param name="PushSender">The way to the phones.</param>
/// <param name="FirstConfiguration">CLI text that a fresh state boots.</param>
/// <param name="Log">Where the framework's own diagnostics go.</param>
public sealed record UnitOptions(
    string StateFolder, IReadOnlyList<INic> Nics, TimeProvider Time, IPushSender PushSender, string FirstConfiguration, ILoggerFactory Log);

/// <summary>What a phone receives when it is enrolled: never logged, never shown.</summary>
public sealed record TokenActivation(string Serial, byte[] Seed, TimeSpan Step, int Digits, string RegistrationId, string OsVersion, string? User);

/// <summary>The appliance: every service, built by hand in order; stop is the reverse.</summary>
public sealed class Unit : IAsyncDisposable
{
    /// <summary>Boots a unit; returns when every listener listens.</summary>
    public static Task<Unit> StartAsync(UnitOptions options, CancellationToken cancellationToken = default) => throw new NotSupportedException(options.StateFolder);

    /// <summary>The configuration in force.</summary>
    public ConfigStore Config { get; } = null!;

    /// <summary>The event log.</summary>
    public EventLog Events { get; } = null!;

    /// <summary>The interfaces with their access flags.</summary>
    public IReadOnlyList<GatedNic> Nics { get; } = null!;

    /// <summary>What listens now.</summary>
    public IReadOnlyList<BoundService> Services { get; } = null!;

    /// <summary>The public certificate of the device CA: phones trust it from their enrolment on.</summary>
    public X509Certificate2 DeviceCa { get; } = null!;

    /// <summary>A new console session, as if a terminal were plugged in.</summary>
    public CliSession OpenConsole() => throw new NotSupportedException();

    /// <summary>What the phones of all mobile tokens get at enrolment; changes with the configuration.</summary>
    public IReadOnlyList<TokenActivation> Activations() => throw new NotSupportedException();

    /// <summary>Stops in reverse order; everything acknowledged is on disk.</summary>
    public ValueTask DisposeAsync() => default;
}
