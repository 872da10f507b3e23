using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Hal;

namespace Appliance.Lab.Units;

/// <summary>An interface of the appliance in the lab API.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">Its primary address.</param>
/// <param name="AllowAccess">The access flags, as the configuration spells them.</param>
/// <param name="LinkUp">False while its cable is pulled, or its status is down.</param>
/// <param name="Accepted">The connections accepted since the start.</param>
/// <param name="Live">The open connections.</param>
public sealed record LabNic(
    string Name,
    IPAddress Address,
    IReadOnlyList<string> AllowAccess,
    bool LinkUp = true,
    long Accepted = 0,
    int Live = 0
);

/// <summary>The consoles of a unit.</summary>
public interface IUnitConsole
{
    /// <summary>Runs a script in a new console session and returns exactly what a terminal would display.</summary>
    Task<string> TranscriptAsync(string script, CancellationToken cancellationToken = default);

    /// <summary>Attaches a script, line by line. Returns at the end of the input or on <c>exit</c>.</summary>
    /// <param name="input">The typed lines.</param>
    /// <param name="output">Receives the displayed text.</param>
    /// <param name="echo">True displays the typed lines.</param>
    /// <param name="login">True prompts for a name and a password; false attaches the box's own console.</param>
    /// <param name="cancellationToken">Closes the terminal.</param>
    Task RunConsoleAsync(Stream input, Stream output, bool echo, bool login, CancellationToken cancellationToken);

    /// <summary>
    /// Attaches a terminal in raw mode, key by key. Returns when it is closed or its session ends. Each input queries the size of the
    /// terminal.
    /// </summary>
    Task<ConsoleEnd> RunTerminalAsync(
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        bool login,
        CancellationToken cancellationToken
    );
}

/// <summary>The events of a unit.</summary>
public interface IUnitEvents
{
    /// <summary>Returns at most <paramref name="limit"/> events after an id, oldest first.</summary>
    IReadOnlyList<EventRecord> EventsAfter(long id, int limit);

    /// <summary>Completes when there is an event after an id.</summary>
    Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken);
}

/// <summary>The test policy of a unit's logins.</summary>
public interface IUnitPolicy
{
    /// <summary>The policy in force.</summary>
    LabPolicy Current { get; }

    /// <summary>Sets the policy; completes when it is durable and in force.</summary>
    Task SetAsync(LabPolicy policy);
}

/// <summary>
/// A unit as the lab sees it: what every unit has, and the capabilities that it offers. A unit that lacks a capability gives the reason.
/// </summary>
public interface ILabUnit : IPhoneSource, IUnitEvents
{
    /// <summary>The unit's interfaces, in the board's order.</summary>
    IReadOnlyList<LabNic> Nics { get; }

    IReadOnlyList<BoundService> Services { get; }

    /// <summary>The names of the local users, in order.</summary>
    IReadOnlyList<string> Users { get; }

    /// <summary>The timelines of the newest logins, in memory.</summary>
    LoginJournal Logins { get; }

    /// <summary>Returns the certificate of a service, or null while it has none.</summary>
    X509Certificate2? ServiceCertificate(string service);

    /// <summary>Its consoles.</summary>
    Offer<IUnitConsole> Console { get; }

    /// <summary>The test policy of its logins.</summary>
    Offer<IUnitPolicy> Policy { get; }

    /// <summary>Its interfaces' cables.</summary>
    Offer<IUnitCables> Cables { get; }

    /// <summary>The target of the lab's faults.</summary>
    Offer<IFaultTarget> Faults { get; }

    /// <summary>The clock that it runs by, which the lab can set.</summary>
    Offer<LabClock> Clock { get; }

    /// <summary>Its metrics.</summary>
    Offer<Meter> Metrics { get; }

    /// <summary>The test policy in force; the default for a unit without one.</summary>
    LabPolicy LabPolicy => Policy.Value?.Current ?? LabPolicy.Default;
}
