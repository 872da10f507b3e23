using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;

namespace Appliance.Firmware.Login;

/// <summary>
/// The lines of a login in <c>diagnose debug application fnbamd</c>. Lines and result numbers that are publicly documented use the vendor's
/// words (0 success, 1 denied, 7 a token is needed; the numbers 0 and 1 are inferred). The reason in brackets is ours. Lines never contain
/// a code, a password or a login's identifiers: a request is shown by the last digits of its id.
/// </summary>
internal sealed class LoginDebug(DebugTap tap)
{
    /// <summary>Writes a login step as the journal has it. The line's format is ours.</summary>
    internal void Noted(LoginJournalStep step) =>
        tap.Write(
            DebugArea.Fnbamd,
            $"login {step.LoginId} {step.Fact.Check}: {step.Fact.Result}{(step.Fact.Subject.Length > 0 ? $" [{step.Fact.Subject}]" : "")}"
        );

    /// <summary>Writes the decision on a first factor.</summary>
    internal void Started(LoginRequest request, LoginHandle handle, LoginStep step, LoginDeadlines deadlines)
    {
        if (!tap.IsWatched(DebugArea.Fnbamd))
        {
            return;
        }
        var group = step.Answer switch
        {
            LoginAnswer.Success success => success.Grant.Group,
            LoginAnswer.Challenge challenge => challenge.Grant.Group,
            _ => "",
        };
        tap.Write(
            DebugArea.Fnbamd,
            $"handle_req-Rcvd auth req {Short(handle.RequestId)} for {request.User} in {group} opt=00200400 prot=11"
        );
        if (step.Answer is LoginAnswer.Challenge)
        {
            tap.Write(
                DebugArea.Fnbamd,
                $"famStateInit:2249 ctx->token_type = 1, timeout = {(long)deadlines.FortiTokenExpiry.TotalSeconds}"
            );
        }
        Result(step.Answer);
    }

    /// <summary>Writes the result of a typed code, which may be empty.</summary>
    internal void CodeTyped(LoginHandle handle, LoginStep step)
    {
        tap.Write(DebugArea.Fnbamd, $"Receive Manually input token result. Push: 0, req {Short(handle.RequestId)}");
        Result(step.Answer);
    }

    /// <summary>Writes a client's request to wait for the phone.</summary>
    internal void PushAwaited(LoginHandle handle, LoginStep step)
    {
        tap.Write(DebugArea.Fnbamd, $"handle_req-Rcvd ftm2_auth_withid req {Short(handle.RequestId)}");
        if (step.Answer is null)
        {
            tap.Write(DebugArea.Fnbamd, $"handle_req-Push msg was already sent");
        }
        Result(step.Answer);
    }

    /// <summary>Writes the phone's answer.</summary>
    internal void PushAnswered(string requestId, string answer, bool accepted) =>
        tap.Write(
            DebugArea.Fnbamd,
            $"Receive token result. Push: 1, req {Short(requestId)}: {answer} {(accepted ? "accepted" : "refused")}"
        );

    /// <summary>Writes the answers to waiting clients.</summary>
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

    /// <summary>Returns the end of a request id: enough to follow one request through the lines, too little to take it over.</summary>
    private static string Short(string requestId) => requestId.Length > 8 ? requestId[^8..] : requestId;
}
