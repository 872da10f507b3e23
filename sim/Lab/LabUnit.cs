using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Events;
using Appliance.Hal;

namespace Appliance.Sim.Lab;

/// <summary>The window onto a real <see cref="Unit"/>.</summary>
internal sealed class LabUnit(Unit unit) : ILabUnit
{
    public object Version => unit.Config.Current;

    public X509Certificate2 DeviceCa => unit.DeviceCa;

    public IReadOnlyList<LabNic> Nics =>
        [.. unit.Nics.Select(nic => new LabNic(nic.Name, nic.Addresses[0], AllowAccessWord.Of(nic.Access)))];

    public IReadOnlyList<LabService> Services => [.. unit.Services.Select(bound => new LabService(bound.Service, bound.Nic, bound.EndPoint))];

    public IReadOnlyList<string> Users => [.. unit.Config.Current.List("user local").Keys];

    public IReadOnlyList<TokenActivation> Activations() => unit.Activations();

    public string Transcript(string script) => ConsoleStream.Transcript(unit.OpenConsole(), script);

    public Task RunConsoleAsync(Stream input, Stream output, bool echo, CancellationToken cancellationToken) =>
        ConsoleStream.RunAsync(unit.OpenConsole(), input, output, echo, cancellationToken);

    public Task<ConsoleEnd> RunTerminalAsync(Stream input, Stream output, TerminalSize size, CancellationToken cancellationToken) =>
        ConsoleStream.RunTerminalAsync(unit.OpenConsole(), input, output, size, cancellationToken);

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => unit.Events.After(id, limit);

    public Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken) => unit.Events.WaitAfterAsync(id, cancellationToken);

    public X509Certificate2? ServiceCertificate(string service) => unit.ServiceCertificate(service);
}
