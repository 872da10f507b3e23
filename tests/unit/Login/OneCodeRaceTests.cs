using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using Microsoft.Extensions.Time.Testing;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>One code, eight threads, two paths (typed, and by the phone): it is accepted once, also across restarts.</summary>
public sealed class OneCodeRaceTests : IDisposable
{
    private const int Threads = 8;
    private const int Rounds = 400;
    private const int RestartEvery = 40;

    private static readonly IPAddress Source = IPAddress.Parse("192.0.2.1");
    private static readonly byte[] AnnSeed = "lab-seed-of-ann-0001"u8.ToArray();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-race-");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2031, 5, 6, 7, 8, 0, TimeSpan.Zero));
    private readonly StoreFolder _store = new();

    public void Dispose()
    {
        _store.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task OneCodeLetsInOnce()
    {
        var config = _store.Open(LabBoard.DefaultConfiguration() + "config vpn ssl settings\nset login-attempt-limit 0\nend\n").Current;
        var (rounds, pushes) = (0, 0);
        while (rounds < Rounds)
        {
            await using var state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, .. LoginCore.Tables]);
            using var login = new LoginService(new TokenCore(state), state, new EventLog(state, _time, "test"), _time, new DebugTap());
            var phones = new Phones();
            login.Gateways.Push = phones;
            login.InForce(new ConfigTree(config.Schema), config);
            for (var round = 0; round < RestartEvery; round++, rounds++)
            {
                pushes += await RaceAsync(login, phones);
                _time.Advance(TimeSpan.FromSeconds(60));
            }
        }
        Assert.True(
            pushes > 0 && pushes < Rounds,
            $"{pushes} of {Rounds} races were won by the phone: one of the ways was never tried in earnest"
        );
    }

    private async Task<int> RaceAsync(LoginService login, Phones phones)
    {
        var code = new Totp(AnnSeed, 60).ComputeTotp(_time.GetUtcNow().UtcDateTime);
        var handles = new List<LoginHandle>();
        while (handles.Count < Threads)
        {
            handles.Add(
                Assert.IsType<LoginAnswer.Challenge>(await login.StartAsync(new LoginRequest("ann", "ann-password", "", Source))).Handle
            );
        }
        using var start = new Barrier(Threads);
        var tries = handles
            .Select(
                (handle, thread) =>
                    Task
                        .Factory.StartNew(
                            async () =>
                            {
                                start.SignalAndWait();
                                return thread % 2 == 0
                                    ? (
                                        Typed: await login.SubmitCodeAsync(handle, code, Source, CancellationToken.None)
                                            is LoginAnswer.Success,
                                        Phone: false
                                    )
                                    : (Typed: false, Phone: await login.Phones.PushApprovedAsync(handle.RequestId, code));
                            },
                            CancellationToken.None,
                            TaskCreationOptions.LongRunning,
                            TaskScheduler.Default
                        )
                        .Unwrap()
            )
            .ToArray();
        var results = await Task.WhenAll(tries);
        Assert.Equal(1, results.Count(result => result.Typed) + results.Count(result => result.Phone));
        // No other login accepts it afterwards.
        foreach (var handle in handles)
        {
            Assert.IsNotType<LoginAnswer.Success>(await login.SubmitCodeAsync(handle, code, Source, CancellationToken.None));
            Assert.False(await login.Phones.PushApprovedAsync(handle.RequestId, code));
        }
        Assert.Equal(Threads, phones.Sent);
        phones.Sent = 0;
        return results.Count(result => result.Phone);
    }

    private sealed class Phones : IPushGateway
    {
        public int Sent { get; set; }

        public bool CanPush(Token token) => true;

        public void Send(PushOrder order) => Sent++;

        public void Cancel(long loginId) { }

        public void Decided(bool accepted) { }
    }
}
