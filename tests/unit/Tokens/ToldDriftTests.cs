using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>A drift from a seed file is in force immediately, outlives a restart, and is replaced by the drift that a code shows.</summary>
public sealed class ToldDriftTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly TokenSeed Seed = TokenSeed.Parse("3132333435363738393031323334353637383930")!;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-drift-");

    [Fact]
    public async Task A_told_drift_outlives_a_restart_and_a_fold_of_the_log()
    {
        await using (var state = Open())
        {
            var core = new TokenCore(state);
            Assert.Equal(CodeOutcome.NextCodeWanted, core.Check(Seed, Code(5), Now).Outcome);
            await state.CommitAsync(core.TakeDrift(Seed, 5));
            Assert.Equal(5, core.DriftOf(Seed));
        }
        await using var again = Open();
        var booted = new TokenCore(again);
        Assert.Equal(5, booted.DriftOf(Seed));
        Assert.Null(booted.WaitFor(Seed, Now));
        Assert.Equal(CodeOutcome.NextCodeWanted, booted.Check(Seed, Code(0), Now).Outcome);
        Assert.Equal(
            (CodeOutcome.Accepted, 5),
            (booted.Check(Seed, Code(5), Now) is var verdict ? verdict.Outcome : default, verdict.Drift)
        );
    }

    [Fact]
    public void A_drift_that_a_code_taught_stays()
    {
        var core = new TokenCore();
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(1), Now).Outcome);
        Assert.Empty(core.TakeDrift(Seed, -9));
        Assert.Equal(1, core.DriftOf(Seed));
        // No consumed step is forgotten.
        Assert.NotEqual(CodeOutcome.Accepted, core.Check(Seed, Code(1), Now).Outcome);
    }

    [Fact]
    public void A_drift_told_again_takes_the_place_of_the_one_before()
    {
        var core = new TokenCore();
        core.TakeDrift(Seed, 3);
        core.TakeDrift(Seed, -4);
        Assert.Equal(-4, core.DriftOf(Seed));
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(-4), Now).Outcome);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private StateDatabase Open() =>
        StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [TokenCore.UseTable, TokenCore.DriftTable]);

    private static string Code(int steps) =>
        new Totp("12345678901234567890"u8.ToArray(), 60).ComputeTotp(Now.AddMinutes(steps).UtcDateTime);
}
