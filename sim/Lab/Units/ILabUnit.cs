using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Hal;

namespace Appliance.Lab.Units;

/// <summary>An interface of the appliance as the lab shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">Its primary address.</param>
/// <param name="AllowAccess">Its flags, as the configuration spells them.</param>
/// <param name="LinkUp">False while its cable is pulled, or its status is down.</param>
/// <param name="Accepted">Connections that it accepted since the start.</param>
/// <param name="Live">Connections that live now.</param>
public sealed record LabNic(
    string Name,
    IPAddress Address,
    IReadOnlyList<string> AllowAccess,
    bool LinkUp = true,
    long Accepted = 0,
    int Live = 0
);

/// <summary>What a lab may not be able to do to its unit, because of where that is.</summary>
public enum LabPart
{
    /// <summary>Its clock, by hand.</summary>
    Clock,

    /// <summary>Faults.</summary>
    Faults,

    /// <summary>Its cables.</summary>
    Cables,

    /// <summary>Its LEDs, buttons and display.</summary>
    Panel,

    /// <summary>What it tells monitoring.</summary>
    Metrics,
}

/// <summary>What the lab needs of the appliance: a narrow window, so that the lab can be tested without one.</summary>
public interface ILabUnit : IPhoneSource, IFaultTarget
{
    /// <summary>The unit's interfaces, in the board's order.</summary>
    IReadOnlyList<LabNic> Nics { get; }

    IEnumerable<string> IFaultTarget.Interfaces => Nics.Select(nic => nic.Name);

    IReadOnlyList<BoundService> Services { get; }

    /// <summary>The names of the local users, in order.</summary>
    IReadOnlyList<string> Users { get; }

    /// <summary>Where the appliance sends mail to; null when no server is set, or one that is only a name.</summary>
    IPEndPoint? MailServer { get; }

    /// <summary>The mail domains of its SMS gateways.</summary>
    IReadOnlySet<string> SmsDomains { get; }

    /// <summary>Why something cannot be had with this unit; null when it can.</summary>
    string? WhyNot(LabPart part) => null;

    /// <summary>Runs a script in a console session of its own; exactly what a terminal would show.</summary>
    Task<string> TranscriptAsync(string script, CancellationToken cancellationToken = default);

    /// <summary>Attaches a script, line by line; returns when it ends, or on <c>exit</c>.</summary>
    /// <param name="input">What is typed.</param>
    /// <param name="output">What is shown.</param>
    /// <param name="echo">True shows what was typed.</param>
    /// <param name="login">True asks who it is; false attaches the box's own console.</param>
    /// <param name="cancellationToken">Hangs up.</param>
    Task RunConsoleAsync(Stream input, Stream output, bool echo, bool login, CancellationToken cancellationToken);

    /// <summary>Attaches a terminal in raw mode, key by key; returns when it hangs up, or when its session ends. Its size is asked for whenever something is typed.</summary>
    Task<ConsoleEnd> RunTerminalAsync(
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        bool login,
        CancellationToken cancellationToken
    );

    /// <summary>Up to <paramref name="limit"/> events after an id, oldest first.</summary>
    IReadOnlyList<EventRecord> EventsAfter(long id, int limit);

    /// <summary>Completes as soon as there is an event after an id.</summary>
    Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken);

    /// <summary>What the appliance tells monitoring; null where there is none.</summary>
    System.Diagnostics.Metrics.Meter? Meter { get; }

    /// <summary>The newest logins, step by step, in memory.</summary>
    LoginJournal Logins { get; }

    /// <summary>The lab's own rules for logins.</summary>
    LabPolicy LabPolicy { get; }

    /// <summary>Sets the lab's own rules for logins; completes when they are durable and in force.</summary>
    Task SetLabPolicyAsync(LabPolicy policy);

    /// <summary>The certificate that a service shows, or null while it shows none.</summary>
    X509Certificate2? ServiceCertificate(string service);
}
