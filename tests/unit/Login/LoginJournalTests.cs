using Appliance.Firmware.Login.Journal;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The journal of logins: its limit, its counts, and its notifications.</summary>
public sealed class LoginJournalTests
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private readonly LoginJournal _journal = new();

    [Fact]
    public void It_keeps_a_thousand_logins_and_forgets_the_oldest()
    {
        for (var id = 1; id <= 1000; id++)
        {
            Add(id, new LoginFact("name", "known") { Subject = $"user{id}" });
        }
        Assert.Equal("user1", _journal.Find(1)!.User);
        Add(1001, new LoginFact("name", "known"));
        Assert.Null(_journal.Find(1));
        Assert.Equal(0, _journal.CountOf(1));
        Assert.NotNull(_journal.Find(2));
        Assert.Equal(1000, _journal.Newest(5000).Count);
        Assert.Equal([1001, 1000], _journal.Newest(2).Select(login => login.Id));
    }

    [Fact]
    public void It_keeps_64_steps_of_a_login_and_the_one_that_decides()
    {
        for (var step = 0; step < 70; step++)
        {
            Add(1, new LoginFact("code", "wrong"));
        }
        Assert.Equal(64, _journal.CountOf(1));
        Add(1, new LoginFact("code", "too many") { Decides = true });
        Assert.Equal(65, _journal.CountOf(1));
        Assert.Equal(LoginOutcome.Refused, _journal.Find(1)!.Outcome);
    }

    [Fact]
    public void It_counts_who_got_in_and_each_decision_once()
    {
        Add(1, new LoginFact("password", "right"));
        Assert.Equal((0, 0), _journal.Counts());
        Assert.Equal([1], _journal.Pending());
        Add(1, new LoginFact("code", "right") { Decides = true });
        Add(1, new LoginFact(LoginFact.Login, "in") { Decides = true });
        Add(2, new LoginFact("password", "wrong") { Decides = true });
        Add(3, new LoginFact("password", "right"));
        Assert.Equal((1, 2), _journal.Counts());
        Assert.Equal([3], _journal.Pending());
        Assert.Equal([LoginOutcome.Pending, LoginOutcome.Refused, LoginOutcome.In], _journal.Newest(3).Select(login => login.Outcome));
    }

    [Fact]
    public void What_is_known_outside_is_noted_of_a_login_that_it_knows_alone()
    {
        var told = new List<LoginJournalStep>();
        Add(1, new LoginFact("password", "right"));
        _journal.Noted += told.Add;
        _journal.Note(1, new LoginFact("fault", "the phone is off"), Now);
        _journal.Note(2, new LoginFact("fault", "the phone is off"), Now);
        Assert.Equal((2, 0), (_journal.CountOf(1), _journal.CountOf(2)));
        Assert.Equal("fault", Assert.Single(told).Fact.Check);
        Assert.Equal((1L, Now), (told[0].LoginId, told[0].Time));
    }

    [Fact]
    public void Nothing_new_tells_nobody()
    {
        _journal.Noted += _ => Assert.Fail("somebody was told of nothing");
        _journal.Add([], Now);
        Assert.Empty(_journal.Newest(1));
    }

    /// <summary>A remote unit counts from 1 again when it starts: its logins are new ones.</summary>
    [Fact]
    public void The_steps_of_another_units_journal_are_taken_whatever_their_numbers()
    {
        for (var id = 1; id <= 1001; id++)
        {
            Add(id, new LoginFact("name", "known"));
        }
        Assert.Null(_journal.Find(1));
        _journal.Take(new LoginJournalStep(1, Now, new LoginFact("name", "known") { Subject = "again" }));
        Assert.Equal("again", _journal.Find(1)!.User);
    }

    private void Add(long id, LoginFact fact) => _journal.Add([(id, fact)], Now);
}
