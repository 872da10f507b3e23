using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Storage;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The number of unanswered pushes that a user may get: every bound, and over a restart.</summary>
public sealed class PushLimitTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly LabPolicy Three = new() { PushLimit = 3, PushWindow = TimeSpan.FromMinutes(5) };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-pushes-");
    private readonly List<StateWrite> _writes = [];
    private PushLimit _limit = new();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_fourth_push_within_the_window_is_held_back_until_the_first_is_as_old_as_it()
    {
        for (var second = 0; second < 3; second++)
        {
            Assert.True(Allows("ann", second));
            Sent("ann", second);
        }
        Assert.False(Allows("ann", 2));
        Assert.True(Allows("bob", 2));
        Assert.False(Allows("ann", 300 - 0.001));
        Assert.True(Allows("ann", 300));
        Sent("ann", 300);
        Assert.False(Allows("ann", 300));
        Assert.True(Allows("ann", 301));
    }

    [Fact]
    public async Task What_was_not_answered_counts_over_a_restart_and_what_was_does_not()
    {
        Sent("ann", 0);
        Sent("ann", 1);
        Sent("ann", 2);
        Sent("bob", 0);
        Sent("bob", 1);
        Sent("bob", 2);
        _limit.Answered("bob", Three, _writes);
        for (var life = 0; life < 2; life++)
        {
            Assert.False(Allows("ann", 2));
            Assert.True(Allows("bob", 2));
            await RestartAsync();
        }
        // Entries that are too old are removed, on disk as well.
        Sent("ann", 301.5);
        await RestartAsync();
        Assert.True(Allows("ann", 301.5));
        Sent("ann", 301.5);
        Assert.False(Allows("ann", 301.5));
    }

    [Fact]
    public async Task A_push_that_could_not_be_sent_does_not_count()
    {
        Sent("ann", 0);
        Sent("ann", 1);
        Sent("ann", 2);
        _limit.Failed("ann", Three, _writes);
        for (var life = 0; life < 2; life++)
        {
            Assert.True(Allows("ann", 2));
            await RestartAsync();
        }
        Sent("ann", 3);
        Assert.False(Allows("ann", 3));
        _limit.Failed("bob", Three, _writes);
        Assert.True(Allows("bob", 3));
    }

    [Fact]
    public void Coming_to_the_limit_is_told_once_until_a_push_goes_out_again()
    {
        Assert.True(_limit.TellOnce("ann"));
        Assert.False(_limit.TellOnce("ann"));
        Assert.True(_limit.TellOnce("bob"));
        Sent("ann", 0);
        Assert.True(_limit.TellOnce("ann"));
        _limit.Answered("ann", Three, _writes);
        Assert.True(_limit.TellOnce("ann"));
    }

    [Fact]
    public void Without_a_limit_nothing_is_written_and_everything_is_allowed()
    {
        var none = new LabPolicy { PushLimit = 0 };
        for (var push = 0; push < 100; push++)
        {
            Assert.True(_limit.Allows("ann", none, Start));
            _limit.Sent("ann", none, Start, _writes);
        }
        _limit.Failed("ann", none, _writes);
        _limit.Answered("ann", none, _writes);
        Assert.Empty(_writes);
        Sent("ann", 0);
        Assert.Single(_limit.Save(none));
        Assert.Equal(2, _limit.Save(Three).Count);
    }

    /// <summary>A right code shows that its user is there, as an answer on the phone does.</summary>
    [Fact]
    public void A_typed_code_starts_the_count_again_at_once()
    {
        using var rig = new LoginRig(lab: new LabPolicy { PushLimit = 1, PushWindow = TimeSpan.FromHours(1) });
        var handle = rig.Challenge().Handle;
        Assert.False(rig.Challenge().Push);
        Assert.IsType<LoginAnswer.Success>(rig.Code(handle, rig.Ann()));
        rig.Advance(60);
        Assert.True(rig.Challenge().Push);
    }

    private bool Allows(string user, double second) => _limit.Allows(user, Three, Start.AddSeconds(second));

    private void Sent(string user, double second) => _limit.Sent(user, Three, Start.AddSeconds(second), _writes);

    private async Task RestartAsync()
    {
        await using var state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [PushLimit.Table]);
        await state.CommitAsync([.. _writes]);
        _writes.Clear();
        _limit = new PushLimit();
        _limit.Load(state);
    }
}
