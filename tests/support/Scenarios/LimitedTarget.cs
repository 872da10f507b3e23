using System.Net;
using Appliance.Firmware.Events;
using Appliance.Hal;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Units;

namespace Appliance.Tests.Scenarios;

/// <summary>A target without any capability: a start or any other call to it fails the test.</summary>
internal sealed class LimitedTarget : IScenarioTarget
{
    public IReadOnlyList<EventRecord> Events => [];

    public IReadOnlyList<LabNic> Nics => throw Nothing();

    public IReadOnlyList<BoundService> Services => throw Nothing();

    public long NewestLogin => throw Nothing();

    public Task StartAsync() => throw Nothing();

    public Task<string> CliAsync(string script) => throw Nothing();

    public IScenarioClient NewClient(IPAddress from, IPEndPoint to) => throw Nothing();

    public Task<bool> IsOpenAsync(IPEndPoint to) => throw Nothing();

    public Task PassAsync(TimeSpan time) => throw Nothing();

    public Task RebootAsync() => throw Nothing();

    public ValueTask DisposeAsync() => default;

    private static InvalidOperationException Nothing() => new("this target has nothing");
}
