using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Remote;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// A login without an answer from any remote server: its steps are recorded when they happen, and its verdict names server, cause and
/// setting.
/// </summary>
public sealed class RemoteVerdictTests
{
    private const string Group =
        LoginRig.Patient
        + """
            config user radius
            edit fac
            set server 192.0.2.50
            set secret s
            set secondary-server 192.0.2.51
            set secondary-secret s
            next
            end
            config user group
            edit remote
            set member fac
            next
            end
            config vpn ssl settings
            config authentication-rule
            edit 2
            set groups remote
            set portal full-access
            next
            end
            end
            config system global
            set remoteauthtimeout 5
            end

            """;

    private static readonly RemoteNotice First = new("server 192.0.2.50:1812", false, "no answer", "set server");
    private static readonly RemoteNotice Second = new(
        "secondary-server 192.0.2.51:1812",
        false,
        "no answer either",
        "set secondary-server"
    );

    [Fact]
    public void A_question_is_noted_when_it_leaves_and_not_before()
    {
        using var rig = new LoginRig(Group);
        Begin(rig);
        Assert.DoesNotContain(rig.Facts, fact => fact.Check == "remote server");
        Notice(rig, First);
        var fact = Assert.Single(rig.Facts, fact => fact.Check == "remote server");
        Assert.Equal(("request sent", "radius fac server 192.0.2.50:1812"), (fact.Result, fact.Subject));
    }

    [Fact]
    public void Silence_names_every_server_that_was_asked_and_the_last_ones_setting()
    {
        using var rig = new LoginRig(Group);
        Begin(rig);
        Notice(rig, First);
        Notice(rig, Second);
        Assert.Equal(
            "no valid reply: server 192.0.2.50:1812: no answer; secondary-server 192.0.2.51:1812: no answer either",
            Verdict(rig, 10).Result
        );
        Assert.Equal("set secondary-server", Verdict(rig).Change);
        Assert.Contains(
            rig.Steps.SelectMany(step => step.Events).SelectMany(entry => entry.Fields),
            field =>
                field.Name == "msg" && field.Value.Contains("secondary-server 192.0.2.51:1812: no answer either", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_known_cause_is_the_verdict_of_its_server_and_its_setting_is_named()
    {
        using var rig = new LoginRig(Group);
        Begin(rig);
        Notice(rig, First);
        Notice(rig, First with { HasFailed = true, Cause = "another secret", Change = "set secret" });
        Notice(rig, Second);
        var verdict = Verdict(rig, 10);
        Assert.Equal(
            "no valid reply: server 192.0.2.50:1812: another secret; secondary-server 192.0.2.51:1812: no answer either",
            verdict.Result
        );
        Assert.Equal("set secret", verdict.Change);
        Assert.Contains(
            rig.Facts,
            fact => fact is { Result: "server 192.0.2.50:1812: another secret", Change: "set secret", Decides: false }
        );
    }

    [Fact]
    public void A_server_that_cannot_be_asked_is_the_verdict_with_its_setting()
    {
        using var rig = new LoginRig(Group);
        rig.Login(
            "zoe",
            "x",
            remote: new RemoteVerdict.Unavailable("radius fac: server 192.0.2.50:1812: no connection") { Change = "set server" }
        );
        Assert.Equal(
            ("unavailable: radius fac: server 192.0.2.50:1812: no connection", "set server"),
            (Verdict(rig).Result, Verdict(rig).Change)
        );
    }

    [Fact]
    public void A_phone_that_takes_long_is_a_matter_of_remoteauthtimeout()
    {
        using var rig = new LoginRig(Group);
        var challenge = Assert.IsType<LoginAnswer.Challenge>(
            rig.Login("zoe", "x", remote: new RemoteVerdict.Challenged("no code", RemotePush.ByNothing))
        );
        Assert.Null(rig.Await(challenge.Handle));
        Notice(rig, First);
        Assert.Contains(rig.Facts, fact => fact is { Check: "remote server", Result: "push requested" });
        var verdict = Verdict(rig, 5);
        Assert.Equal(("deadline", "remoteauthtimeout passed while the push was pending"), (verdict.Check, verdict.Result));
    }

    [Fact]
    public void A_notice_of_an_older_question_changes_nothing()
    {
        using var rig = new LoginRig(Group);
        Begin(rig);
        var order = rig.Steps.Last(step => step.Remote is not null).Remote!;
        Assert.Empty(rig.Core.RemoteNoticed(order.RequestId, order.Number - 1, First).Facts);
        Assert.Empty(rig.Core.RemoteNoticed("another", order.Number, First).Facts);
        Assert.Single(rig.Core.RemoteNoticed(order.RequestId, order.Number, First).Facts);
    }

    private static void Begin(LoginRig rig) =>
        rig.Take(
            rig.Core.Start(
                new LoginRequest("zoe", "x", "", LoginRig.Home),
                rig.Rules,
                _ => true,
                new LoginRandomness(new LoginHandle("1", "1-1")),
                rig.Now
            )
        );

    private static void Notice(LoginRig rig, RemoteNotice notice)
    {
        var order = rig.Steps.Last(step => step.Remote is not null).Remote!;
        rig.Take(rig.Core.RemoteNoticed(order.RequestId, order.Number, notice));
    }

    private static LoginFact Verdict(LoginRig rig, double after = 0)
    {
        rig.Advance(after);
        return Assert.Single(rig.Facts, fact => fact.Decides);
    }
}
