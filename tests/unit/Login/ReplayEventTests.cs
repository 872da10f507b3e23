using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>Each replay of a token code is logged, whatever the result of the login.</summary>
public sealed class ReplayEventTests
{
    private const string Reason = "token_code_replayed";

    [Fact]
    public void A_typed_code_is_logged_when_it_is_presented_again()
    {
        using var rig = new LoginRig();
        var code = rig.Ann();
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, code));
        Assert.DoesNotContain(Reason, rig.EventReasons);
        var second = rig.Challenge();
        Assert.IsType<LoginAnswer.Challenge>(rig.Code(second.Handle, code));
        var entry = Assert.Single(rig.Steps[^1].Events);
        Assert.Equal(
            ("0102043009", EventLevel.Notice, Reason, "failure"),
            (entry.LogId, entry.Level, Field(entry, "reason"), Field(entry, "status"))
        );
        Assert.Equal("User ann failed in authentication because of a replayed token code", Field(entry, "msg"));
        Assert.DoesNotContain(code, string.Join(' ', entry.Fields.Select(field => field.Value)), StringComparison.Ordinal);
        rig.Code(second.Handle, code);
        Assert.Equal(2, rig.EventReasons.Count(reason => reason == Reason));
    }

    [Fact]
    public void A_used_code_of_the_step_before_is_logged_as_replayed_and_as_wrong()
    {
        using var rig = new LoginRig();
        var code = rig.Ann();
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, code));
        rig.Advance(60);
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode, Retry: true), rig.Code(rig.Challenge().Handle, code));
        Assert.Equal([Reason, "wrong_token_code"], rig.Steps[^1].Events.Select(entry => Field(entry, "reason")));
    }

    [Fact]
    public void A_phone_that_answers_with_a_used_code_is_logged()
    {
        using var rig = new LoginRig();
        var (first, second) = (rig.Challenge(), rig.Challenge());
        var code = rig.Ann();
        Assert.True(rig.Approve(first.Handle, code));
        Assert.False(rig.Approve(second.Handle, code));
        Assert.Equal(Reason, Field(Assert.Single(rig.Steps[^1].Events), "reason"));
    }

    [Fact]
    public void A_phone_that_answers_with_a_wrong_code_is_not_logged_as_a_replay()
    {
        using var rig = new LoginRig();
        Assert.False(rig.Approve(rig.Challenge().Handle, rig.Ann(steps: 30)));
        Assert.Empty(rig.Steps[^1].Events);
    }

    [Fact]
    public void A_replay_of_two_codes_that_synchronized_the_token_is_logged()
    {
        using var rig = new LoginRig();
        var (code, next) = (rig.Ann(steps: 10), rig.Ann(steps: 11));
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, code, next: next));
        rig.Code(rig.Challenge().Handle, code, next: next);
        Assert.Contains(Reason, rig.EventReasons);
    }

    [Fact]
    public void An_administrator_is_logged_under_the_number_of_failed_admin_logins()
    {
        using var rig = new LoginRig(
            LoginRig.Patient
                + "config system admin\nedit ann\nset password x\nset accprofile super_admin\nset two-factor fortitoken\nset fortitoken FTKMOB0000000002\nset email-to a@example.com\nnext\nend\n".Replace(
                    "FTKMOB0000000002",
                    "FTKMOB0000000001",
                    StringComparison.Ordinal
                )
        );
        var code = rig.Ann();
        Assert.IsType<LoginAnswer.Success>(rig.Code(Ask(rig), code, IPAddress.None, kind: LoginKind.Admin));
        rig.Code(Ask(rig), code, IPAddress.None, kind: LoginKind.Admin);
        var entry = Assert.Single(rig.Steps[^1].Events);
        Assert.Equal(("0100032002", EventLevel.Alert, "0", Reason), (entry.LogId, entry.Level, Field(entry, "sn"), Field(entry, "reason")));
    }

    [Fact]
    public void A_failed_admin_login_has_the_session_number_0()
    {
        using var rig = new LoginRig();
        Assert.IsType<LoginAnswer.Refused>(rig.Login("admin", "wrong", IPAddress.None, LoginKind.Admin));
        var entry = Assert.Single(rig.Steps[^1].Events, entry => entry.LogId == "0100032002");
        Assert.Equal(["sn", "user", "ui", "method", "action", "status", "reason", "msg"], entry.Fields.Select(field => field.Name));
        Assert.Equal(("0", "passwd_invalid"), (Field(entry, "sn"), Field(entry, "reason")));
    }

    private static LoginHandle Ask(LoginRig rig) =>
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("ann", "x", IPAddress.None, LoginKind.Admin)).Handle;

    private static string Field(EventEntry entry, string name) => entry.Fields.Single(field => field.Name == name).Value;
}
