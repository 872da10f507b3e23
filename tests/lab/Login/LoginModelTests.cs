using Appliance.Bench;
using Appliance.Bench.Models;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// A million random operations on the login core against a naive model (sim/Bench/Models). No code works twice. No login succeeds by
/// another
/// user's code, handle or push, nor after deny, expiry or cancellation, regardless of crashes and of the clock.
/// </summary>
public sealed class LoginModelTests
{
    private const int Runs = 200;

    [Fact]
    public void NoPromiseIsBrokenInAMillionOperations()
    {
        var world = LoginWorld.Make();
        long operations = 0,
            accepted = 0,
            crashes = 0,
            waits = 0,
            remote = 0;
        Gen.Int[1, int.MaxValue]
            .Sample(
                seed =>
                {
                    var run = LoginModel.RunAsync(seed, LoginModelBench.OperationsPerRun, world.Fresh()).GetAwaiter().GetResult();
                    Interlocked.Add(ref operations, run.Operations);
                    Interlocked.Add(ref accepted, run.CodesAccepted + run.PushesAccepted + run.Resyncs);
                    Interlocked.Add(ref crashes, run.Crashes);
                    Interlocked.Add(ref waits, run.Waits);
                    Interlocked.Add(ref remote, run.RemoteAccepts);
                },
                iter: Runs,
                threads: 2
            );
        Assert.True(operations >= 1_000_000, $"only {operations} operations");
        // A core that refuses every login keeps every promise. These assertions verify that it does not.
        Assert.True(
            accepted > operations / 100 && crashes > 1_000 && waits > 1_000 && remote > 1_000,
            $"{accepted} accepts, {crashes} crashes, {waits} waits, {remote} by remote servers"
        );
    }

    [Fact]
    public async Task OneSeedIsOneRun()
    {
        var world = LoginWorld.Make();
        Assert.Equal(await LoginModel.RunAsync(4711, 1_000, world.Fresh()), await LoginModel.RunAsync(4711, 1_000, world.Fresh()));
    }
}
