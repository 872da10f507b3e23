using Appliance.Firmware.Config;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>The life of tokens: the status words of the device, codes that work once, and tokens that go back to the shelf.</summary>
public sealed class TokenLifeTests
{
    private const string Mobile = "FTKMOBAB12CD34EF";
    private const string Hardware = "FTK2001234567890";
    private const string Bare =
        "config user fortitoken\nedit "
        + Mobile
        + "\nnext\nedit "
        + Hardware
        + "\nset seed 3132333435363738393031323334353637383930\nnext\nend\n";
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly TimeSpan Life = TimeSpan.FromHours(72);
    private readonly TokenLife _life = new();
    private ConfigTree _config = Tree("");
    private int _next;

    [Fact]
    public void AMobileTokenFromTheShelfToThePhone()
    {
        Change(Bare);
        Assert.Equal("new", Status(Mobile));
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Assert.Equal((Mobile, "bob", Start + Life), (order.Serial, order.Owner.Name, order.Expires));
        Assert.Equal("provisioning", Status(Mobile));
        Assert.Equal((ActivationOutcome.Held, Mobile), Present(order.Code, Start));
        Assert.Equal("provisioning", Status(Mobile));
        var (done, step) = _life.Confirm(Mobile, order.Code, Start);
        Assert.True(done);
        Assert.Equal("0100032156", Assert.Single(step.Events).LogId);
        Change(Bare + Has("bob", Mobile) + Seeded(Mobile));
        Assert.Equal("provisioned", Status(Mobile));
    }

    [Fact]
    public void AHardwareTokenIsActiveInUse()
    {
        Change(Bare + Has("bob", Hardware));
        Assert.Equal("active", Status(Hardware));
        Change(Bare);
        Assert.Equal("new", Status(Hardware));
    }

    [Fact]
    public void ACodeRunsOutAndIsIssuedAgain()
    {
        var first = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Assert.Equal("provisioning", Status(Mobile, Start + Life - TimeSpan.FromTicks(1)));
        Assert.Equal("provision timeout", Status(Mobile, Start + Life));
        Assert.Equal((ActivationOutcome.Expired, Mobile), Present(first.Code, Start + Life));
        var second = Assert.Single(_life.Provision(Entry(Mobile), NextCode(), Start + Life + Life).Orders);
        Assert.Equal("provisioning", Status(Mobile, Start + Life));
        Assert.Equal((ActivationOutcome.Unknown, ""), Present(first.Code, Start + Life));
        Assert.Equal((ActivationOutcome.Held, Mobile), Present(second.Code, Start + Life));
    }

    [Fact]
    public void AUsedCodeIsAnErrorUntilItIsMended()
    {
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Present(order.Code, Start);
        Assert.True(_life.Confirm(Mobile, order.Code, Start).Done);
        Change(Bare + Has("bob", Mobile) + Seeded(Mobile));
        var (outcome, serial, step) = _life.Present(order.Code, Start);
        Assert.Equal((ActivationOutcome.Used, Mobile), (outcome, serial));
        Assert.Equal("0100032159", Assert.Single(step.Events).LogId);
        Assert.Equal("token already activated, and seed won't be returned", Status(Mobile));
        _life.Mend(Mobile);
        Assert.Equal("provisioned", Status(Mobile));
    }

    [Fact]
    public void TwoPhonesWithOneCodeAndOneWins()
    {
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Assert.Equal((ActivationOutcome.Held, Mobile), Present(order.Code, Start));
        Assert.Equal((ActivationOutcome.Used, Mobile), Present(order.Code, Start));
        _life.GiveBack(order.Code);
        Assert.Equal((ActivationOutcome.Held, Mobile), Present(order.Code, Start));
    }

    [Fact]
    public void ACodeIsTypedAsPeopleCopyIt()
    {
        var code = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders).Code;
        Assert.Equal((ActivationOutcome.Held, Mobile), Present($"{code[..4]}-{code[4..8]} {code[8..]}".ToLowerInvariant(), Start));
    }

    [Theory]
    [InlineData("config user local\nedit bob\nset two-factor disable\nnext\nend\n")]
    [InlineData("config user local\nedit bob\nset two-factor disable\nunset fortitoken\nnext\nend\n")]
    [InlineData("config user local\nedit bob\nset two-factor email\nset email-to bob@lab.test\nnext\nend\n")]
    public void WhoLosesATokenLeavesItNewAndNeverLocked(string change)
    {
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Assert.Empty(Change(Bare + Has("bob", Mobile) + change).Orders);
        Assert.Equal("new", Status(Mobile));
        Assert.Equal((ActivationOutcome.Unknown, ""), Present(order.Code, Start));
    }

    [Fact]
    public void ADeletedOwnerLeavesItNew()
    {
        Change(Bare + Has("bob", Mobile));
        Assert.Equal("provisioning", Status(Mobile));
        Change(Bare);
        Assert.Equal("new", Status(Mobile));
    }

    [Fact]
    public void TheNextOwnerGetsANewCodeAndNotTheOldSeed()
    {
        Change(Bare + Has("bob", Mobile) + Seeded(Mobile));
        Assert.Equal("provisioned", Status(Mobile));
        var step = Change(Bare + Has("cat", Mobile) + Seeded(Mobile));
        Assert.Equal("cat", Assert.Single(step.Orders).Owner.Name);
        Assert.Equal("", Entry(Mobile).Seed);
        Assert.Equal("", _config.List("user fortitoken").Find(Mobile)!.Text("reg-id"));
        Assert.Equal("provisioning", Status(Mobile));
    }

    [Fact]
    public void ASeedThatTheAdministratorTypedStays()
    {
        const string Typed =
            "config user fortitoken\nedit " + Mobile + "\nset seed 3132333435363738393031323334353637383930\nset reg-id x\nnext\nend\n";
        Assert.Empty(Change(Typed + Has("bob", Mobile)).Orders);
        Assert.Equal("provisioned", Status(Mobile));
        Change(Typed);
        Assert.NotEqual("", Entry(Mobile).Seed);
        // A typed seed while a code is pending leaves nothing to activate.
        Change(Bare);
        var order = Assert.Single(Change(Bare + Has("cat", Mobile)).Orders);
        Change(Bare + Typed + Has("cat", Mobile));
        Assert.Equal("provisioned", Status(Mobile));
        Assert.Equal((ActivationOutcome.Unknown, ""), Present(order.Code, Start));
    }

    [Fact]
    public void ALockIsTheAdministratorsAlone()
    {
        const string Lock = "config user fortitoken\nedit " + Mobile + "\nset status lock\nnext\nend\n";
        Change(Bare + Has("bob", Mobile) + Lock);
        Assert.Equal("locked", Status(Mobile));
        Change(Bare + Lock);
        Assert.Equal("locked", Status(Mobile));
        Change(Bare);
        Assert.Equal("new", Status(Mobile));
    }

    [Fact]
    public void AHardwareTokenWithoutASeedIsAnActivationError()
    {
        Change("config user fortitoken\nedit " + Hardware + "\nnext\nend\n");
        Assert.False(_life.ActivateHardware(Entry(Hardware), Start).Done);
        Assert.Equal("activation error (token not exist in FortiGuard)", Status(Hardware));
        Change(Bare);
        Assert.True(_life.ActivateHardware(Entry(Hardware), Start).Done);
        Assert.Equal("new", Status(Hardware));
    }

    [Fact]
    public void ATokenHasOneOwner()
    {
        Assert.Null(TokenEntry.CheckOwners(new ConfigChange(Tree(Bare), Tree(Bare + Has("bob", Mobile)), ConfigAuthor.AttachedConsole)));
        var error = TokenEntry.CheckOwners(
            new ConfigChange(Tree(Bare), Tree(Bare + Has("bob", Mobile) + Has("cat", Mobile)), ConfigAuthor.AttachedConsole)
        )!;
        Assert.Equal((-5, $"FortiToken {Mobile} is already assigned to bob, cat cannot have it"), (error.Code, error.Lines[0]));
    }

    [Fact]
    public void The_owner_that_a_refusal_names_is_the_one_that_had_the_token_before()
    {
        var error = TokenEntry.CheckOwners(
            new ConfigChange(
                Tree(Bare + Has("cat", Mobile)),
                Tree(Bare + Has("bob", Mobile) + Has("cat", Mobile)),
                ConfigAuthor.AttachedConsole
            )
        )!;
        Assert.Equal($"FortiToken {Mobile} is already assigned to cat, bob cannot have it", error.Lines[0]);
    }

    [Fact]
    public void AnAdministratorCanHaveOneToo()
    {
        var step = Change(
            Bare
                + "config system admin\nedit admin\nset two-factor fortitoken\nset fortitoken "
                + Mobile
                + "\nset accprofile super_admin\nnext\nend\n"
        );
        Assert.Equal(("system admin", "admin"), (Assert.Single(step.Orders).Owner.Table, step.Orders[0].Owner.Name));
    }

    [Fact]
    public void A_deleted_tokens_code_is_void_and_its_record_goes()
    {
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        var step = Change("config user fortitoken\nedit " + Hardware + "\nnext\nend\n");
        Assert.Equal("DELETE FROM token_life WHERE serial=$0", Assert.Single(step.Memory).Sql);
        Assert.Equal((ActivationOutcome.Unknown, ""), Present(order.Code, Start));
        Change(Bare);
        Assert.Equal(("new", null), (Status(Mobile), _life.CodeExpires(Mobile)));
    }

    [Fact]
    public void A_code_that_became_void_while_a_phone_had_it_activates_nothing()
    {
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Assert.Equal(Start + Life, _life.CodeExpires(Mobile));
        Assert.Equal((ActivationOutcome.Held, Mobile), Present(order.Code, Start));
        var second = Assert.Single(_life.Provision(Entry(Mobile), NextCode(), Start + Life).Orders);
        var (done, step) = _life.Confirm(Mobile, order.Code, Start);
        Assert.False(done);
        Assert.Equal((0, 0), (step.Events.Count, step.Memory.Count));
        Assert.Equal((ActivationOutcome.Held, Mobile), Present(second.Code, Start));
        Assert.True(_life.Confirm(Mobile, second.Code, Start).Done);
        Assert.Null(_life.CodeExpires(Mobile));
    }

    [Fact]
    public void A_hardware_tokens_activation_is_requested_and_succeeds_or_fails_in_events()
    {
        Change("config user fortitoken\nedit " + Hardware + "\nnext\nend\n");
        var failed = _life.ActivateHardware(Entry(Hardware), Start).Step;
        Assert.Equal(["0100032155", "0100032159"], failed.Events.Select(entry => entry.LogId));
        Assert.Contains(("msg", "token not exist in FortiGuard"), failed.Events[1].Fields);
        Assert.Single(failed.Memory);
        // The fault stays with the token when its owner changes, and goes with a seed.
        Change("config user fortitoken\nedit " + Hardware + "\nnext\nend\n" + Has("bob", Hardware));
        Assert.Equal("activation error (token not exist in FortiGuard)", Status(Hardware));
        Change(Bare + Has("bob", Hardware));
        var done = _life.ActivateHardware(Entry(Hardware), Start).Step.Events;
        Assert.Equal(["0100032155", "0100032156"], done.Select(entry => entry.LogId));
        Assert.Equal("active", Status(Hardware));
    }

    [Fact]
    public void A_code_that_is_used_twice_is_written_once_as_a_fault()
    {
        var order = Assert.Single(Change(Bare + Has("bob", Mobile)).Orders);
        Present(order.Code, Start);
        Assert.Equal(ActivationOutcome.Used, _life.Present(order.Code, Start).Outcome);
        Assert.Equal("provisioning", Status(Mobile));
        Assert.True(_life.Confirm(Mobile, order.Code, Start).Done);
        Assert.Single(_life.Present(order.Code, Start + Life + Life).Step.Memory);
        Assert.Empty(_life.Present(order.Code, Start + Life + Life).Step.Memory);
        Assert.Equal("token already activated, and seed won't be returned", Status(Mobile));
    }

    /// <summary>
    /// Operations in any order, with any number of restarts in between: one phone for one code, and the status matches the memory.
    /// </summary>
    [Fact]
    public async Task EverythingIsRememberedOverARestart()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-tokens-");
        try
        {
            var file = Path.Combine(folder.FullName, "state.db");
            var with = Tree(Bare + Has("bob", Mobile));
            ActivationOrder order;
            await using (var state = StateDatabase.Open(file, [TokenLife.Table]))
            {
                var step = new TokenLife(state).Follow(with, with, NextCode, Life, Start);
                order = Assert.Single(step.Orders);
                await state.CommitAsync(step.Memory);
            }
            await using (var state = StateDatabase.Open(file, [TokenLife.Table]))
            {
                var life = new TokenLife(state);
                Assert.Empty(life.Follow(with, with, NextCode, Life, Start.AddHours(1)).Memory);
                Assert.Equal(TokenStatus.ProvisionTimeout, life.Status(EntryOf(with), Start + Life));
                Assert.Equal(ActivationOutcome.Held, life.Present(order.Code, Start).Outcome);
                // Not confirmed: killed before anything was on disk.
            }
            await using (var state = StateDatabase.Open(file, [TokenLife.Table]))
            {
                var life = new TokenLife(state);
                Assert.Equal(ActivationOutcome.Held, life.Present(order.Code, Start).Outcome);
                await state.CommitAsync(life.Confirm(Mobile, order.Code, Start).Step.Memory);
            }
            await using (var state = StateDatabase.Open(file, [TokenLife.Table]))
            {
                var life = new TokenLife(state);
                var (outcome, _, step) = life.Present(order.Code, Start);
                Assert.Equal(ActivationOutcome.Used, outcome);
                await state.CommitAsync(step.Memory);
            }
            await using (var state = StateDatabase.Open(file, [TokenLife.Table]))
            {
                Assert.Equal(TokenStatus.AlreadyActivated, new TokenLife(state).Status(EntryOf(with), Start));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void AnyOrderOfEventsKeepsThePromises() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 5], Gen.Int[0, 40])
            .Array[1, 40]
            .Sample(moves =>
            {
                var life = new TokenLife();
                var (now, config) = (Start, Tree(Bare));
                var codes = new List<string>();
                var (accepted, held) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
                life.Follow(config, config, NextCode, Life, now);
                foreach (var (move, which, hours) in moves)
                {
                    now = now.AddHours(hours);
                    var code = codes.Count == 0 ? "NONE" : codes[which % codes.Count];
                    switch (move)
                    {
                        case 0 or 1:
                            var next = Tree(
                                Bare
                                    + (
                                        which switch
                                        {
                                            0 => "",
                                            1 => Has("cat", Mobile),
                                            _ => Has("bob", Mobile),
                                        }
                                    )
                            );
                            codes.AddRange(life.Follow(config, next, NextCode, Life, now).Orders.Select(order => order.Code));
                            config = next;
                            break;
                        case 2 when EntryOf(config).Owner is not null:
                            codes.Add(life.Provision(EntryOf(config), NextCode(), now + Life).Orders[0].Code);
                            break;
                        case 3:
                            if (life.Present(code, now).Outcome == ActivationOutcome.Held)
                            {
                                Assert.Equal(codes[^1], code);
                                Assert.DoesNotContain(code, accepted);
                                Assert.True(held.Add(code));
                            }
                            break;
                        case 4 when held.Remove(code):
                            if (life.Confirm(Mobile, code, now).Done)
                            {
                                Assert.True(accepted.Add(code));
                            }
                            break;
                        case 5 when held.Remove(code):
                            life.GiveBack(code);
                            break;
                    }
                    var status = life.Status(EntryOf(config), now);
                    Assert.NotEqual(TokenStatus.Locked, status);
                    Assert.Equal(EntryOf(config).Owner is null, status == TokenStatus.New);
                }
            });

    private static TokenEntry EntryOf(ConfigTree config) => TokenEntry.Find(config, Mobile)!;

    private static string Has(string user, string serial) =>
        $"config user local\nedit {user}\nset type password\nset passwd x\nset two-factor fortitoken\nset fortitoken {serial}\nnext\nend\n";

    private static string Seeded(string serial) =>
        $"config user fortitoken\nedit {serial}\nset seed \"{TokenEntry.MakeSeed(serial, "12345678901234567890"u8)}\"\nset reg-id phone\nset os-ver \"ios 17\"\nnext\nend\n";

    private static ConfigTree Tree(string text) =>
        ConfigReader.Read(ConfigSchema.Load(Personality.Default), text, value => value, new Dictionary<string, Func<string, bool>>())
            is { Ignored: [] } read
            ? read.Tree
            : throw new InvalidDataException("the test's configuration has a mistake");

    private TokenStep Change(string text)
    {
        var next = TokenEntry.Release(_config, Tree(text));
        var step = _life.Follow(_config, next, NextCode, Life, Start);
        _config = next;
        return step;
    }

    private (ActivationOutcome, string) Present(string code, DateTimeOffset now) =>
        _life.Present(code, now) is var (outcome, serial, _) ? (outcome, serial) : default;

    private string Status(string serial, DateTimeOffset? now = null) => TokenStatusText.Of(_life.Status(Entry(serial), now ?? Start));

    private TokenEntry Entry(string serial) => TokenEntry.Find(_config, serial)!;

    private string NextCode() => TokenLife.CodeOf([.. BitConverter.GetBytes((long)++_next), 0, 0]);
}
