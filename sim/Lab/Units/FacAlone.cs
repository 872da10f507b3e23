using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Hal;

namespace Appliance.Lab.Units;

/// <summary>
/// A lab that has the stand-in and no appliance (<c>run fac</c>): phones, clock, faults and events work as with one, and what belongs to an
/// appliance says that there is none.
/// </summary>
internal sealed class FacAlone(FacPower power) : ILabUnit
{
    private const string NoAppliance = "there is no appliance in this lab (run up starts one)";

    /// <summary>Its users never change while it runs.</summary>
    public object Version => power;

    public X509Certificate2 DeviceCa => power.Authority;

    public IReadOnlyList<LabNic> Nics => [];

    public IReadOnlyList<BoundService> Services => power.Server.Services();

    public IReadOnlyList<string> Users => [.. power.Server.Settings.Users.Select(user => user.Name)];

    public IPEndPoint? MailServer => null;

    public IReadOnlySet<string> SmsDomains { get; } = new HashSet<string>();

    public System.Diagnostics.Metrics.Meter? Meter => null;

    public LoginJournal Logins { get; } = new();

    public LabPolicy LabPolicy { get; } = new();

    public IReadOnlyList<TokenActivation> Activations() => power.Server.Activations();

    public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) =>
        Task.FromResult(new EnrolmentAnswer(EnrolmentAnswer.NotNow, NoAppliance));

    public Task<string> TranscriptAsync(string script, CancellationToken cancellationToken) => throw LabProblem.NotFound(NoAppliance);

    /// <summary>It has no logins step by step: what it decides is in its events.</summary>
    public void NoteLogin(string? user, LoginFact fact) { }

    public Task RunConsoleAsync(Stream input, Stream output, bool echo, bool login, CancellationToken cancellationToken) =>
        throw LabProblem.NotFound(NoAppliance);

    public Task<ConsoleEnd> RunTerminalAsync(
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        bool login,
        CancellationToken cancellationToken
    ) => throw LabProblem.NotFound(NoAppliance);

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => power.EventsAfter(id, limit);

    public Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken) => power.WaitForEventAfterAsync(id, cancellationToken);

    public Task SetLabPolicyAsync(LabPolicy policy) => throw LabProblem.NotFound(NoAppliance);

    public X509Certificate2? ServiceCertificate(string service) => null;

    public void WriteEvent(EventEntry entry) => power.Server.Events.Write(entry);

    public void SetLink(string nic, bool up) => throw LabProblem.NotFound(NoAppliance);
}
