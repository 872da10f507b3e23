using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware;
using Appliance.Firmware.Events;
using Appliance.Hal;

namespace Appliance.Sim.Lab;

/// <summary>The window onto a real <see cref="Unit"/>.</summary>
internal sealed class LabUnit(Unit unit) : ILabUnit
{
    public object Version => unit.Config.Current;

    public X509Certificate2 DeviceCa => unit.DeviceCa;

    public IReadOnlyList<LabNic> Nics =>
        [.. unit.Nics.Select(nic => new LabNic(nic.Name, nic.Addresses[0], AllowAccessWords.Of(nic.Access)))];

    public IReadOnlyList<LabService> Services => [.. unit.Services.Select(bound => new LabService(bound.Service, bound.Nic, bound.EndPoint))];

    public IReadOnlyList<string> Users => [.. unit.Config.Current.List("user local").Keys];

    public IReadOnlyList<TokenActivation> Activations() => unit.Activations();

    public string Transcript(string script) => ConsoleSeam.Transcript(unit.OpenConsole(), script);

    public Task RunConsoleAsync(Stream input, Stream output, bool echo, CancellationToken cancellationToken) =>
        ConsoleSeam.RunAsync(unit.OpenConsole(), input, output, echo, cancellationToken);

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => unit.Events.After(id, limit);

    public Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken) => unit.Events.WaitAfterAsync(id, cancellationToken);

    public X509Certificate2? ServiceCertificate(string service) => UnitSeam.ServiceCertificate(unit, service);
}

/// <summary>Access flags in the configuration's own words and order.</summary>
internal static class AllowAccessWords
{
    private static readonly (AllowAccess Flag, string Word)[] Words =
    [
        (AllowAccess.Ping, "ping"), (AllowAccess.Https, "https"), (AllowAccess.Ssh, "ssh"), (AllowAccess.Snmp, "snmp"),
        (AllowAccess.Http, "http"), (AllowAccess.Telnet, "telnet"), (AllowAccess.Fgfm, "fgfm"), (AllowAccess.RadiusAcct, "radius-acct"),
        (AllowAccess.ProbeResponse, "probe-response"), (AllowAccess.Fabric, "fabric"), (AllowAccess.Ftm, "ftm"),
        (AllowAccess.SpeedTest, "speed-test"), (AllowAccess.Scim, "scim"),
    ];

    public static IReadOnlyList<string> Of(AllowAccess access) => [.. Words.Where(word => access.HasFlag(word.Flag)).Select(word => word.Word)];
}
