using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Hal;

namespace Appliance.Lab.Units;

/// <summary>
/// A lab with the FortiAuthenticator emulator and no appliance (<c>run fac</c>). Phones, clock, faults and events work; the capabilities of
/// an appliance are missing.
/// </summary>
/// <param name="power">The emulator.</param>
/// <param name="clock">The lab's clock.</param>
internal sealed class FacAlone(FacPower power, LabClock clock) : ILabUnit, IFaultTarget
{
    private const string NoAppliance = "there is no appliance in this lab (run up starts one)";
    private static readonly MissingPart NotHere = MissingPart.Here(NoAppliance);

    /// <summary>The users are constant.</summary>
    public object Version => power;

    public X509Certificate2 DeviceCa => power.Authority;

    public IReadOnlyList<LabNic> Nics => [];

    public IReadOnlyList<BoundService> Services => power.Server.Services();

    public IReadOnlyList<string> Users => [.. power.Server.Settings.Users.Select(user => user.Name)];

    public LoginJournal Logins { get; } = new();

    public Offer<IUnitConsole> Console => NotHere;

    public Offer<IUnitPolicy> Policy => NotHere;

    public Offer<IUnitCables> Cables => NotHere;

    public Offer<IFaultTarget> Faults => new(this);

    public Offer<LabClock> Clock => new(clock);

    public Offer<Meter> Metrics => NotHere;

    IUnitCables? IFaultTarget.Links => null;

    public IReadOnlyList<TokenActivation> Activations() => power.Server.Activations();

    public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) =>
        Task.FromResult(new EnrolmentAnswer(EnrolmentAnswer.NotNow, NoAppliance));

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => power.EventsAfter(id, limit);

    public Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken) => power.WaitForEventAfterAsync(id, cancellationToken);

    public X509Certificate2? ServiceCertificate(string service) => null;

    /// <summary>The emulator has no logins step by step: its decisions are in its events.</summary>
    public void NoteLogin(string? pushSession, LoginFact fact) { }

    public void WriteEvent(EventEntry entry) => power.Server.Events.Write(entry);
}
