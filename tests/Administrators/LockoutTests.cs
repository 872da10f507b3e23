using Appliance.Firmware.Administrators;
using Appliance.Firmware.Storage;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Administrators;

/// <summary>admin-lockout-threshold and admin-lockout-duration, over restarts.</summary>
public sealed class LockoutTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-lockout-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task SoManyInARowShutASourceOutForSoLong()
    {
        await using (var state = Open())
        {
            var lockouts = new AdminLockouts(state);
            Assert.False(await FailAsync(state, lockouts, "192.0.2.1", Start));
            Assert.False(await FailAsync(state, lockouts, "192.0.2.1", Start.AddDays(1)));
            await state.CommitAsync(lockouts.Succeed("192.0.2.1"));
            Assert.False(await FailAsync(state, lockouts, "192.0.2.1", Start));
            Assert.False(await FailAsync(state, lockouts, "192.0.2.1", Start));
        }
        await using (var state = Open())
        {
            // The third after a restart is the third.
            var lockouts = new AdminLockouts(state);
            Assert.True(await FailAsync(state, lockouts, "192.0.2.1", Start));
            Assert.False(lockouts.IsLocked("192.0.2.2", Start));
        }
        await using (var state = Open())
        {
            var lockouts = new AdminLockouts(state);
            Assert.True(lockouts.IsLocked("192.0.2.1", Start + Minute - TimeSpan.FromTicks(1)));
            Assert.False(lockouts.IsLocked("192.0.2.1", Start + Minute));
            // What that lockout was for is paid: three more are needed.
            Assert.False(await FailAsync(state, lockouts, "192.0.2.1", Start + Minute));
            Assert.False(await FailAsync(state, lockouts, "192.0.2.1", Start + Minute));
            Assert.True(await FailAsync(state, lockouts, "192.0.2.1", Start + Minute));
        }
    }

    [Fact]
    public async Task NobodyTriesMoreThanTheThresholdInOneDuration()
    {
        await using var state = Open();
        Gen.Int[0, 90].Array[1, 60].Sample(gaps =>
        {
            var lockouts = new AdminLockouts(Empty(state));
            var (now, locked) = (Start, new List<DateTimeOffset>());
            foreach (var gap in gaps)
            {
                now += TimeSpan.FromSeconds(gap);
                if (!lockouts.IsLocked("console", now) && lockouts.Fail("console", 3, Minute, now).Locks)
                {
                    locked.Add(now);
                }
            }
            return locked.Zip(locked.Skip(1), (one, other) => other - one >= Minute).All(apart => apart);
        }, threads: 1);
    }

    private static StateDatabase Empty(StateDatabase state)
    {
        Assert.Empty(state.Read("SELECT source FROM admin_lockout", row => row.GetString(0)));
        return state;
    }

    private StateDatabase Open() => StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [AdminLockouts.Table]);

    private static async Task<bool> FailAsync(StateDatabase state, AdminLockouts lockouts, string source, DateTimeOffset now)
    {
        var (locks, memory) = lockouts.Fail(source, 3, Minute, now);
        await state.CommitAsync(memory);
        return locks;
    }
}
