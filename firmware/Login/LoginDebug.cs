using Appliance.Firmware.Events;

namespace Appliance.Firmware.Login;

/// <summary>
/// What <c>diagnose debug application fnbamd</c> shows of a login. The lines and result numbers that public material tells have its words
/// (0 success, 1 denied, 7 a token is needed; the numbers 0 and 1 are inferred); the reason in brackets is ours. Never a code, a password or
/// what names a login to its client: a request is told by the last digits of its id.
/// </summary>
internal sealed class LoginDebug(DebugTap tap)
{
    /// <summary>A step of a login, as the journal has it: the line is ours.</summary>
    internal void Noted(LoginJournalStep step) =>
        tap.Write(DebugArea.Fnbamd, $"login {step.LoginId} {step.Fact.Check}: {step.Fact.Result}{(step.Fact.Subject.Length > 0 ? $" [{step.Fact.Subject}]" : "")}");

    /// <summary>A first factor was decided.</summary>
    internal void Started(LoginRequest request, LoginHandle handle, LoginStep step, LoginDeadlines deadlines)
    {
        if (!tap.IsWatched(DebugArea.Fnbamd))
        {
            return;
        }
        var group = step.Answer switch { LoginAnswer.Success success => success.Grant.Group, LoginAnswer.Challenge challenge => challenge.Grant.Group, _ => "" };
        tap.Write(DebugArea.Fnbamd, $"handle_req-Rcvd auth req {Short(handle.RequestId)} for {request.User} in {group} opt=00200400 prot=11");
        if (step.Answer is LoginAnswer.Challenge)
        {
            tap.Write(DebugArea.Fnbamd, $"famStateInit:2249 ctx->token_type = 1, timeout = {(long)deadlines.FortiTokenExpiry.TotalSeconds}");
        }
        Result(step.Answer);
    }

    /// <summary>A code was typed, or nothing in its place.</summary>
    internal void CodeTyped(LoginHandle handle, LoginStep step)
    {
        tap.Write(DebugArea.Fnbamd, $"Receive Manually input token result. Push: 0, req {Short(handle.RequestId)}");
        Result(step.Answer);
    }

    /// <summary>The client asks to wait for the phone.</summary>
    internal void PushAwaited(LoginHandle handle, LoginStep step)
    {
        tap.Write(DebugArea.Fnbamd, $"handle_req-Rcvd ftm2_auth_withid req {Short(handle.RequestId)}");
        if (step.Answer is null)
        {
            tap.Write(DebugArea.Fnbamd, $"handle_req-Push msg was already sent");
        }
        Result(step.Answer);
    }

    /// <summary>The phone answered.</summary>
    internal void PushAnswered(string requestId, string answer, bool accepted) =>
        tap.Write(DebugArea.Fnbamd, $"Receive token result. Push: 1, req {Short(requestId)}: {answer} {(accepted ? "accepted" : "refused")}");

    /// <summary>What somebody who waited is told.</summary>
    internal void Released(LoginStep step)
    {
        if (tap.IsWatched(DebugArea.Fnbamd))
        {
            foreach (var (_, answer) in step.Released)
            {
                Result(answer);
            }
        }
    }

    private void Result(LoginAnswer? answer)
    {
        switch (answer)
        {
            case LoginAnswer.Success:
                tap.Write(DebugArea.Fnbamd, $"fnbam_auth_update_result return: 0");
                break;
            case LoginAnswer.Challenge { Reason: ChallengeReason.NextCode }:
                tap.Write(DebugArea.Fnbamd, $"handle_req-Token drifted, asking for the next token");
                tap.Write(DebugArea.Fnbamd, $"fnbam_auth_update_result return: 8 (next token code required)");
                break;
            case LoginAnswer.Challenge { Reason: ChallengeReason.Wait or ChallengeReason.Throttled } wait:
                tap.Write(DebugArea.Fnbamd, $"fnbam_auth_update_result return: 7 (token needed; {wait.Text})");
                break;
            case LoginAnswer.Challenge:
                tap.Write(DebugArea.Fnbamd, $"fnbam_auth_update_result return: 7 (token needed)");
                break;
            case LoginAnswer.Refused refused:
                tap.Write(DebugArea.Fnbamd, $"fnbam_auth_update_result return: 1 ({LoginEvents.Word(refused.Reason)})");
                break;
        }
    }

    /// <summary>Enough to follow one request through the lines, and nothing to take it over with.</summary>
    private static string Short(string requestId) => requestId.Length > 8 ? requestId[^8..] : requestId;
}
