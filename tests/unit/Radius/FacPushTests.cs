using System.Net;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Radius;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The emulator's pushes: the login that a phone's answer decides, and the cases without a push.</summary>
public sealed class FacPushTests : FacRig
{
    private const string WaitMessage = "Reply-Message=\"Please wait 43 seconds to login again\"";

    [Fact]
    public void Each_request_without_a_challenge_has_its_own_push_which_decides_that_request_alone()
    {
        Boot(Settings(policy: "push-without-challenge"));
        var (first, firstStep) = Send("dan", "dan-password", null, "Calling-Station-Id=\"203.0.113.1\"");
        var (second, secondStep) = Send("dan", "dan-password", null, "Calling-Station-Id=\"198.51.100.66\"");
        var pushes = new[] { Assert.Single(firstStep.Pushes), Assert.Single(secondStep.Pushes) };
        Assert.Equal(["203.0.113.1", "198.51.100.66"], pushes.Select(push => push.ClientAddress.ToString()));
        Assert.NotEqual(pushes[0].SessionId, pushes[1].SessionId);
        Assert.All(pushes, push => Assert.Equal("0100032160", Assert.Single(Settle(Core.PushSent(push)).Events).LogId));
        Assert.Equal((2, 2, 2), (Core.PendingCount, Core.PushCount, Radius.WaitingCount));

        var approved = Settle(Core.PushApproved(pushes[0].SessionId, Code("dan", Now), Now).Step);
        Assert.Equal(RadiusCode.AccessAccept, Reply(approved, first).Code);
        Assert.Equal(1, Radius.WaitingCount);
        var denied = Settle(Core.PushDenied(pushes[1].SessionId, "no", Denial("dan", pushes[1].SessionId), Now).Step);
        Assert.Equal(RadiusCode.AccessReject, Reply(denied, second).Code);
        Assert.Equal((0, 0, 0), (Core.PendingCount, Core.PushCount, Radius.WaitingCount));
    }

    [Fact]
    public void Each_request_that_waits_for_a_phone_counts_against_pendingMax()
    {
        const int Max = 2;
        var settings = Settings(policy: "push-without-challenge");
        Boot(settings with { Clients = [settings.Clients[0] with { PendingMax = Max }] });
        var pushes = Enumerable.Range(0, Max).Select(_ => Assert.Single(Send("dan", "dan-password").Step.Pushes)).ToArray();
        Assert.Empty(Send("dan", "dan-password").Step.Pushes);
        Assert.Equal(1, Radius.Dropped["overloaded"]);
        Settle(Core.PushDenied(pushes[0].SessionId, "no", Denial("dan", pushes[0].SessionId), Now).Step);
        Assert.Single(Send("dan", "dan-password").Step.Pushes);
        Assert.Empty(Send("dan", "dan-password").Step.Pushes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("push")]
    public void A_second_answer_to_a_challenge_whose_push_is_out_is_rejected_with_an_event(string answer)
    {
        var state = Ask("ann", "ann-password").State;
        var (waiting, step) = Send("ann", "", state);
        var (other, refused) = Send("ann", answer, state);
        Assert.Equal(RadiusCode.AccessReject, Reply(refused, other).Code);
        Assert.Equal(["push_pending"], Reasons(refused));
        var approved = Settle(Core.PushApproved(step.Pushes[0].SessionId, Code("ann", Now), Now).Step);
        Assert.Equal(RadiusCode.AccessAccept, Reply(approved, waiting).Code);
    }

    [Theory]
    [InlineData("203.0.113.1", "203.0.113.1", true)]
    [InlineData("203.0.113.1", "", true)]
    [InlineData("", "203.0.113.1", true)]
    [InlineData("203.0.113.1", "198.51.100.66", false)]
    public void A_challenge_is_bound_to_the_users_address_which_the_push_names(string first, string second, bool pushed)
    {
        string[] From(string address) => address.Length > 0 ? [$"Calling-Station-Id=\"{address}\""] : [];
        var state = Ask("ann", "ann-password", null, From(first)).State;
        var (authenticator, step) = Send("ann", "", state, From(second));
        if (pushed)
        {
            Assert.Equal("203.0.113.1", Assert.Single(step.Pushes).ClientAddress.ToString());
            return;
        }
        Assert.Empty(step.Pushes);
        Assert.Equal(RadiusCode.AccessReject, Reply(step, authenticator).Code);
        Assert.Equal(["unknown_state"], Reasons(step));
    }

    [Theory]
    [InlineData("code-or-empty", "")]
    [InlineData("type-push", "push")]
    [InlineData("push-without-challenge", null)]
    public void A_push_login_in_the_step_whose_code_is_used_is_rejected_with_the_wait_message(string policy, string? answer)
    {
        Boot(Settings(policy: policy));
        Now = Start.AddSeconds(17);
        Assert.Equal(RadiusCode.AccessAccept, Ask("ann", "ann-password" + Code("ann", Now)).Code);
        for (var attempt = 0; attempt < 6; attempt++)
        {
            // Never a failure that counts for the lockout, because no wrong credential was presented.
            var (authenticator, step) = Again(policy, answer);
            var (code, text, _) = Reply(step, authenticator);
            Assert.Equal(RadiusCode.AccessReject, code);
            Assert.Contains(WaitMessage, text, StringComparison.Ordinal);
            Assert.Equal(["code_used_in_this_step"], Reasons(step));
            Assert.Empty(step.Pushes);
        }
        Assert.Equal(0, Core.PendingCount);
        Now = Start.AddSeconds(60);
        Assert.Single(Again(policy, answer).Step.Pushes);
    }

    [Fact]
    public void An_approval_with_a_code_that_another_login_used_ends_its_login_with_the_wait_message()
    {
        Boot(Settings(policy: "push-without-challenge"));
        Now = Start.AddSeconds(17);
        var first = Assert.Single(Send("dan", "dan-password").Step.Pushes);
        var (authenticator, step) = Send("dan", "dan-password");
        Assert.True(Core.PushApproved(first.SessionId, Code("dan", Now), Now).Accepted);
        var (accepted, decided) = Core.PushApproved(step.Pushes[0].SessionId, Code("dan", Now), Now);
        Assert.False(accepted);
        var (code, text, _) = Reply(Settle(decided), authenticator);
        Assert.Equal(RadiusCode.AccessReject, code);
        Assert.Contains(WaitMessage, text, StringComparison.Ordinal);
        Assert.Equal(["code_used_in_this_step"], Reasons(decided));
    }

    /// <summary>Noted when it happened: not before the push was handed over, and not again after a restart.</summary>
    [Fact]
    public void A_push_is_an_event_once_it_was_handed_over_and_once_only()
    {
        var (_, step) = Send("ann", "", Ask("ann", "ann-password").State);
        Assert.Empty(step.Events);
        Boot(Settings(), keep: true);
        var push = Assert.Single(Core.PendingPushes(Now).Pushes);
        Assert.Equal("0100032160", Assert.Single(Settle(Core.PushSent(push)).Events).LogId);
        Boot(Settings(), keep: true);
        Assert.Empty(Settle(Core.PushSent(Assert.Single(Core.PendingPushes(Now).Pushes))).Events);
        // It was handed over all the same where its login ended meanwhile.
        Assert.True(Core.PushApproved(push.SessionId, Code("ann", Now), Now).Accepted);
        Assert.Single(Core.PushSent(push).Events);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void A_push_takes_at_most_three_wrong_answers(int wrong, bool accepted)
    {
        var (authenticator, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var session = step.Pushes[0].SessionId;
        FacStep last = new();
        for (var answer = 0; answer < wrong; answer++)
        {
            // Codes and signatures count together, and so do answers before and after a restart.
            var (taken, refused) =
                answer % 2 == 0 ? Core.PushApproved(session, "000000", Now) : Core.PushDenied(session, "no", new byte[32], Now);
            Assert.False(taken);
            last = Settle(refused);
            Boot(Settings(), keep: true);
        }
        Assert.Equal(accepted ? [] : ["push_wrong_answers"], Reasons(last));
        Assert.Equal(accepted, Core.PushApproved(session, Code("ann", Now), Now).Accepted);
        if (!accepted)
        {
            Assert.Equal(RadiusCode.AccessReject, Reply(last, authenticator).Code);
        }
    }

    [Fact]
    public void A_push_that_was_out_is_sent_again_after_a_restart_and_decides_the_request_that_waited()
    {
        Boot(Settings(policy: "push-without-challenge"));
        var (authenticator, step) = Send("dan", "dan-password", null, "Calling-Station-Id=\"203.0.113.1\"");
        var request = LastRequest;
        Now = Now.AddSeconds(20);
        Boot(Settings(policy: "push-without-challenge"), keep: true);
        var resumed = Core.PendingPushes(Now);
        Assert.Equal(Assert.Single(step.Pushes), Assert.Single(resumed.Pushes));
        Assert.Empty(resumed.Events);
        Assert.Empty(Receive(request).Replies);
        var approved = Settle(Core.PushApproved(step.Pushes[0].SessionId, Code("dan", Now), Now).Step);
        Assert.Equal(RadiusCode.AccessAccept, Reply(approved, authenticator).Code);
        Assert.Equal(RadiusCode.AccessAccept, Reply(Receive(request), authenticator).Code);
    }

    [Theory]
    [InlineData("its time is over")]
    [InlineData("its user is gone")]
    [InlineData("its token is gone")]
    public void A_login_that_cannot_go_on_after_a_restart_ends_with_its_event_and_an_answer(string why)
    {
        var settings = Settings(policy: "push-without-challenge");
        Boot(settings);
        var (authenticator, step) = Send("dan", "dan-password");
        Now = why == "its time is over" ? Now.AddSeconds(60) : Now.AddSeconds(1);
        var dan = settings.Users.Single(user => user.Name == "dan");
        var others = settings.Users.Remove(dan);
        Boot(
            settings with
            {
                Users = why switch
                {
                    "its user is gone" => others,
                    "its token is gone" => others.Add(dan with { Tokens = [dan.Tokens[0] with { Serial = "OTHER" }] }),
                    _ => settings.Users,
                },
            },
            keep: true
        );
        Assert.Empty(Core.PendingPushes(Now).Pushes);
        Assert.True(Core.NextDeadline <= Now);
        Assert.False(Core.PushApproved(step.Pushes[0].SessionId, Code("dan", Now), Now).Accepted);
        var ended = Tick();
        Assert.Equal(["push_expired"], Reasons(ended));
        Assert.Equal(RadiusCode.AccessReject, Reply(ended, authenticator).Code);
    }

    private (byte[] Authenticator, FacStep Step) Again(string policy, string? answer) =>
        policy == "push-without-challenge" ? Send("ann", "ann-password") : Send("ann", answer!, Ask("ann", "ann-password").State);

    private static byte[] Denial(string user, string session) =>
        Convert.FromHexString(AlertSignature.Compute(System.Text.Encoding.ASCII.GetBytes($"lab-seed-of-{user}-0003"), session, "no"));
}
