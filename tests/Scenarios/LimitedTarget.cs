using System.Net;
using System.Text.Json;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Hal;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Units;

namespace Appliance.Tests.Scenarios;

/// <summary>A target without any capability: any other request to it fails the test.</summary>
internal sealed class LimitedTarget : IScenarioTarget
{
    public IReadOnlySet<string> Offers { get; } = new HashSet<string>();

    public IReadOnlyList<EventRecord> Events => [];

    public IReadOnlyList<LabNic> Nics => throw Nothing();

    public IReadOnlyList<BoundService> Services => throw Nothing();

    public IReadOnlyList<FaultState> Faults => throw Nothing();

    public IReadOnlyList<ReceivedLetter> Letters => throw Nothing();

    public long NewestLogin => throw Nothing();

    public Task<string> CliAsync(string script) => throw Nothing();

    public IScenarioClient NewClient(IPAddress from, IPEndPoint to) => throw Nothing();

    public Task<bool> IsOpenAsync(IPEndPoint to) => throw Nothing();

    public Task AdvanceAsync(TimeSpan by) => throw Nothing();

    public Task PressAsync(string button, bool down) => throw Nothing();

    public Task PassAsync(TimeSpan time) => throw Nothing();

    public Task<string> LedAsync(string name) => throw Nothing();

    public IReadOnlyList<string> LedShown(string name) => throw Nothing();

    public Task SetFaultsAsync(IReadOnlyList<Fault> faults) => throw Nothing();

    public Task SetLinkAsync(string nic, bool up) => throw Nothing();

    public Task SetPolicyAsync(JsonElement change) => throw Nothing();

    public Task RebootAsync() => throw Nothing();

    public PhoneView? PhoneOf(string user) => throw Nothing();

    public Task ChangePhoneAsync(string user, PhoneChange change) => throw Nothing();

    public Task<PhoneAnswering?> AnswerAsync(string user, bool approve, string? number) => throw Nothing();

    public Task<string?> EnrolAsync(string code, string platform) => throw Nothing();

    public string? CodeOf(string user, int steps) => throw Nothing();

    public LoginTimeline? Timeline(long login) => throw Nothing();

    public ValueTask DisposeAsync() => default;

    private static InvalidOperationException Nothing() => new("this box has nothing");
}
