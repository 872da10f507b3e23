using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>Transactions, and administrators beside one another.</summary>
public sealed class WorkspaceTests : IDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void NothingIsInForceBeforeTheCommit()
    {
        var store = _folder.Open(time: _time);
        using var ann = new ConfigWorkspace(store, _ => { });
        Assert.Null(ann.Start(TimeSpan.FromMinutes(5)));
        Assert.Equal(1, ann.Transaction);
        Assert.Null(SetPort(ann, 5001));
        Assert.Null(AddUser(ann, "new"));
        Assert.Equal((5001, 4433), (Port(ann.Current), Port(store.Current)));
        Assert.Null(ann.CommitTransaction());
        Assert.Equal(0, ann.Transaction);
        Assert.Equal(5001, Port(_folder.Open().Current));
        Assert.NotNull(store.Current.List("user local").Find("new"));
        Assert.Equal([1], store.Revisions().Select(revision => revision.Number)); // One commit, one save.
    }

    [Fact]
    public void AnAbortLeavesNothing()
    {
        var store = _folder.Open(time: _time);
        using var ann = new ConfigWorkspace(store, _ => { });
        using var bob = new ConfigWorkspace(store, _ => { });
        Assert.Null(ann.Start(TimeSpan.FromMinutes(5)));
        Assert.Null(SetPort(ann, 5001));
        Assert.Null(ann.AbortTransaction());
        Assert.Equal((4433, 4433), (Port(ann.Current), Port(store.Current)));
        Assert.Null(SetPort(bob, 5002));
        Assert.NotNull(ann.AbortTransaction());
        Assert.NotNull(ann.CommitTransaction());
    }

    [Fact]
    public void WhatIsTouchedIsHeldAndNothingElse()
    {
        var store = _folder.Open("config user local\nedit \"one\"\nset passwd x\nnext\nedit \"two\"\nset passwd x\nnext\nend\n", _time);
        using var ann = new ConfigWorkspace(store, _ => { });
        using var bob = new ConfigWorkspace(store, _ => { });
        Assert.Null(ann.Start(TimeSpan.FromMinutes(5)));
        Assert.Null(SetMail(ann, "one", "a@lab"));
        Assert.Contains("user local one is being configured in transaction id=1", SetMail(bob, "one", "b@lab")!.Lines);
        Assert.NotNull(bob.Commit(tree => tree.With("user local", tree.List("user local").Without("one"))));
        Assert.Null(SetMail(bob, "two", "b@lab"));
        Assert.Null(SetPort(bob, 5002));
        // The same applies in bob's own transaction.
        Assert.Null(bob.Start(TimeSpan.FromMinutes(5)));
        Assert.Equal(2, bob.Transaction);
        Assert.NotNull(SetMail(bob, "one", "b@lab"));
        Assert.NotNull(SetPort(bob, 5003) ?? SetPort(ann, 5004));
        Assert.Null(ann.CommitTransaction());
        Assert.Null(bob.AbortTransaction());
        Assert.Equal(("a@lab", "b@lab", 5002L), (Mail(store, "one"), Mail(store, "two"), Port(store.Current)));
        Assert.Null(SetMail(bob, "one", "b@lab"));
    }

    [Fact]
    public void ACommitThatIsRefusedStaysOpen()
    {
        var store = _folder.Open("config user local\nedit \"one\"\nset passwd x\nnext\nend\n", _time);
        using var ann = new ConfigWorkspace(store, _ => { });
        using var bob = new ConfigWorkspace(store, _ => { });
        Assert.Null(ann.Start(TimeSpan.FromMinutes(5)));
        Assert.Null(
            ann.Commit(tree =>
                tree.With(
                    "user group",
                    tree.List("user group").With("g", tree.List("user group").Schema.EmptyObject.With("member", ["one"]))
                )
            )
        );
        // The user itself is unchanged: it may be deleted, and then the group cannot be.
        Assert.Null(bob.Commit(tree => tree.With("user local", tree.List("user local").Without("one"))));
        Assert.Equal(-3, ann.CommitTransaction()!.Code);
        Assert.Equal(1, ann.Transaction);
        Assert.Null(AddUser(bob, "one"));
        Assert.Null(ann.CommitTransaction());
        Assert.Equal(["one"], store.Current.List("user group").Find("g")!.Words("member"));
    }

    [Theory]
    [InlineData("system console", "output", "standard")]
    [InlineData("system global", "management-vdom", "other")]
    [InlineData("system settings", "opmode", "transparent")]
    public void SomeThingsCannotBeChangedInside(string path, string attribute, string value)
    {
        var store = _folder.Open(time: _time);
        using var ann = new ConfigWorkspace(store, _ => { });
        Assert.Null(ann.Start(TimeSpan.FromMinutes(5)));
        Assert.Contains(
            "cannot be changed in a config transaction",
            ann.Commit(tree => tree.With(path, tree.Object(path).With(attribute, [value])))!.Text,
            StringComparison.Ordinal
        );
        Assert.Null(ann.Commit(tree => tree.With("system global", tree.Object("system global").With("hostname", ["other"]))));
    }

    [Fact]
    public void AnIdleTransactionExpiresAfterThreeWarnings()
    {
        var store = _folder.Open(time: _time);
        var said = new List<string>();
        using var ann = new ConfigWorkspace(store, said.Add);
        Assert.Null(ann.Start(TimeSpan.FromMinutes(5)));
        Assert.Null(SetPort(ann, 5001));
        _time.Advance(TimeSpan.FromSeconds(269));
        Assert.Empty(said);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["config transaction id=1 will expire in 30 seconds\n"], said);
        // He does something: from the beginning.
        Assert.False(ann.Touch());
        _time.Advance(TimeSpan.FromSeconds(269));
        Assert.Single(said);
        for (var second = 0; second < 30; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(
            [
                "config transaction id=1 will expire in 30 seconds\n",
                "config transaction id=1 will expire in 20 seconds\n",
                "config transaction id=1 will expire in 10 seconds\n",
            ],
            said[1..]
        );
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("config transaction id=1 has expired\n", said[^1]);
        Assert.Equal((0, 4433L), (ann.Transaction, Port(ann.Current)));
        Assert.Null(SetPort(new ConfigWorkspace(store, _ => { }), 5002)); // No lock is left.
        Assert.True(ann.Touch());
        Assert.False(ann.Touch());
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(5, said.Count);
    }

    [Fact]
    public void WhatWasOpenWhenItExpiredIsVoid()
    {
        var store = _folder.Open(time: _time);
        var session = new CliSession(store, []);
        Assert.Null(session.Workspace.Start(TimeSpan.FromMinutes(1)));
        session.Execute("config system ftm-push");
        session.Execute("set server-port 5001");
        _time.Advance(TimeSpan.FromMinutes(2));
        session.Execute("end");
        Assert.Equal(4433, Port(store.Current));
        Assert.DoesNotContain("(ftm-push)", session.Prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLastCommitOfAnEntryWins()
    {
        var store = _folder.Open("config user local\nedit \"one\"\nset passwd x\nnext\nend\n", _time);
        var (ann, bob) = (new CliSession(store, []), new CliSession(store, []));
        // The same entry is open twice: the last store wins, as a whole.
        Type(ann, "config user local", "edit one", "set email-to a@lab");
        Type(bob, "config user local", "edit one", "set sms-phone 123", "next");
        Type(ann, "next");
        Assert.Equal(("a@lab", ""), (Mail(store, "one"), store.Current.List("user local").Find("one")!.Text("sms-phone")));
        // Another entry is not touched by it.
        Type(bob, "edit two", "set passwd x", "set email-to b@lab", "next");
        Type(ann, "edit one", "set email-to c@lab", "next");
        Assert.Equal(("c@lab", "b@lab"), (Mail(store, "one"), Mail(store, "two")));
        // Deleted while it is open: storing it creates it again.
        Type(ann, "edit two", "set email-to d@lab");
        Type(bob, "delete two");
        Assert.Null(store.Current.List("user local").Find("two"));
        Type(ann, "next");
        Assert.Equal("d@lab", Mail(store, "two"));
        // One object, open twice.
        Type(ann, "end", "config system dns", "set primary 1.1.1.1");
        Type(bob, "end", "config system dns", "set primary 2.2.2.2", "end");
        Type(ann, "end");
        Assert.Equal("1.1.1.1", store.Current.Object("system dns").Text("primary"));
    }

    /// <summary>
    /// Threads that edit, delete, group and read: no commit is torn, lost or refused for a wrong reason, and the file equals the tree.
    /// </summary>
    [Fact]
    public async Task ManyAdministratorsAtOnce()
    {
        const int Admins = 4;
        const int Rounds = 60;
        var store = _folder.Open(time: _time);
        var torn = 0;
        using var done = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                var tree = store.Current;
                // Both attributes are always stored together, and a group has members that are there.
                torn += tree.List("user local").Entries.Count(user => user.Entry.Text("email-to") != user.Entry.Text("sms-phone"));
                torn += tree.List("user group")
                    .Entries.Count(group => group.Entry.Words("member").Any(member => tree.List("user local").Find(member) is null));
            }
        });
        await Task.WhenAll(
            Enumerable
                .Range(0, Admins)
                .Select(admin =>
                    Task.Run(() =>
                    {
                        var session = new CliSession(store, []);
                        var random = new Random(admin);
                        for (var round = 0; round < Rounds; round++)
                        {
                            var (shared, value) = ($"shared{random.Next(3)}", $"{admin}-{round}");
                            Type(
                                session,
                                "config user local",
                                $"edit own{admin}-{round}",
                                "set passwd x",
                                $"set email-to {value}",
                                $"set sms-phone {value}",
                                "next",
                                $"edit {shared}",
                                "set passwd x",
                                $"set email-to {value}",
                                $"set sms-phone {value}",
                                "next"
                            );
                            if (random.Next(3) == 0)
                            {
                                TypeAny(session, $"delete {shared}"); // It may be used by a group or deleted.
                            }
                            Type(session, "end", "config user group", $"edit group{admin}");
                            TypeAny(session, $"set member {shared} own{admin}-{round}"); // It may be deleted.
                            TypeAny(session, "next");
                            Type(session, "end", "config system ftm-push", $"set server-port {5000 + (admin * Rounds) + round}", "end");
                        }
                    })
                )
        );
        await done.CancelAsync();
        await reading;
        Assert.Equal(0, torn);
        var users = store.Current.List("user local");
        for (var admin = 0; admin < Admins; admin++)
        {
            for (var round = 0; round < Rounds; round++)
            {
                Assert.Equal($"{admin}-{round}", users.Find($"own{admin}-{round}")!.Text("email-to"));
            }
        }
        Assert.Equal(
            new ConfigText(secret => secret).Tree(store.Current).ToString(),
            new ConfigText(secret => secret).Tree(_folder.Open().Current).ToString()
        );
    }

    private static void Type(CliSession session, params ReadOnlySpan<string> lines)
    {
        foreach (var line in lines)
        {
            var shown = session.Execute(line);
            Assert.DoesNotContain("fail", shown, StringComparison.Ordinal);
        }
    }

    private static void TypeAny(CliSession session, string line) => session.Execute(line);

    private static ConfigError? SetPort(ConfigWorkspace workspace, int port) =>
        workspace.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", [$"{port}"])));

    private static ConfigError? AddUser(ConfigWorkspace workspace, string name) =>
        workspace.Commit(tree => tree.With("user local", tree.List("user local").With(name, tree.List("user local").Schema.EmptyObject)));

    private static ConfigError? SetMail(ConfigWorkspace workspace, string name, string mail) =>
        workspace.Commit(tree =>
            tree.With("user local", tree.List("user local").With(name, tree.List("user local").Find(name)!.With("email-to", [mail])))
        );

    private static string Mail(ConfigStore store, string name) => store.Current.List("user local").Find(name)!.Text("email-to");

    private static long Port(ConfigTree tree) => tree.Object("system ftm-push").Number("server-port");
}
