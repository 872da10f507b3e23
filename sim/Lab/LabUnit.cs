using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Events;
using Appliance.Hal;
using Appliance.Sim.Fac;

namespace Appliance.Sim.Lab;

/// <summary>The window onto a real <see cref="Unit"/>.</summary>
internal sealed class LabUnit(Unit unit, FacServer? authenticator = null) : ILabUnit
{
    public object Version => unit.Config.Current;

    public X509Certificate2 DeviceCa => unit.DeviceCa;

    public IReadOnlyList<X509Certificate2> Authorities => authenticator is null ? [DeviceCa] : [DeviceCa, authenticator.Authority];

    public IReadOnlyList<LabNic> Nics =>
        [.. unit.Nics.Select(nic => new LabNic(nic.Name, nic.Addresses[0], AllowAccessWord.Of(nic.Access)))];

    /// <summary>Those of the appliance, then those of the FortiAuthenticator stand-in, whose interface is none of the appliance's.</summary>
    public IReadOnlyList<LabService> Services => [.. unit.Services.Select(bound => new LabService(bound.Service, bound.Nic, bound.EndPoint)), .. authenticator?.Services() ?? []];

    public IReadOnlyList<string> Users => [.. unit.Config.Current.List("user local").Keys];

    /// <summary>A token that both know is one phone, enrolled with the appliance.</summary>
    public IReadOnlyList<TokenActivation> Activations() => [.. unit.Activations().Concat(authenticator?.Activations() ?? []).DistinctBy(activation => activation.Serial)];

    public string Transcript(string script) => ConsoleStream.Transcript(unit.OpenConsole(), script);

    public Task RunConsoleAsync(Stream input, Stream output, bool echo, CancellationToken cancellationToken) =>
        ConsoleStream.RunAsync(unit.OpenConsole(), input, output, echo, cancellationToken);

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => unit.Events.After(id, limit);

    public Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken) => unit.Events.WaitAfterAsync(id, cancellationToken);

    public X509Certificate2? ServiceCertificate(string service) => unit.ServiceCertificate(service);
}
