using System.Net;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Tokens;

namespace Appliance.Sim.Fac;

/// <summary>The rules of pushes: who is asked, and what his phone's answer decides.</summary>
public sealed partial class FacCore
{
    /// <summary>The phone approved with a code. True when that decided a login.</summary>
    public (bool Accepted, FacStep Step) PushApproved(string session, string code, DateTimeOffset now)
    {
        var step = new FacStep();
        if (!_pushes.TryGetValue(session, out var login) || now >= login.Expires)
        {
            return (false, step);
        }
        var user = _users[login.User];
        var token = user.Tokens.First(token => token.Serial == login.Token);
        var verdict = tokens.Check(token.Seed!, code, now);
        if (verdict.Outcome != CodeOutcome.Accepted)
        {
            WrongAnswer(step, login, now);
            return (false, step);
        }
        step.UseUp(verdict.Memory);
        Forget(step, login);
        Audit(step, login.User, IPAddress.Parse(login.Nas), "push", "success", "push_approved");
        step.Release(login.State, new FacVerdict.Accept(user, login.Proof is null ? null : Convert.FromBase64String(login.Proof)));
        _failures.Remove(login.User);
        return (true, step);
    }

    /// <summary>The phone denied, with a signature. True when that decided a login.</summary>
    public (bool Accepted, FacStep Step) PushDenied(string session, string message, byte[] hmac, DateTimeOffset now)
    {
        var step = new FacStep();
        if (!_pushes.TryGetValue(session, out var login) || now >= login.Expires)
        {
            return (false, step);
        }
        var token = _users[login.User].Tokens.First(token => token.Serial == login.Token);
        if (!PushSessions.IsGenuineAlert(token.Seed!.AlertKey(), session, message, hmac))
        {
            WrongAnswer(step, login, now);
            return (false, step);
        }
        End(step, login, "push_denied", now);
        return (true, step);
    }

    /// <summary>The push could not be handed over.</summary>
    public FacStep PushFailed(string session, string why, DateTimeOffset now)
    {
        var step = new FacStep();
        if (_pushes.TryGetValue(session, out var login))
        {
            step.Note(FacEvents.PushFailed(login.User, why));
            End(step, login, "push_failed", now);
        }
        return step;
    }

    private bool SendPush(FacStep step, FacLogin login, int phone, DateTimeOffset now)
    {
        var token = _users[login.User].Tokens.Where(token => token.RegistrationId.Length > 0).ElementAtOrDefault(phone - 1);
        if (token is null)
        {
            return false;
        }
        Span<byte> session = stackalloc byte[16];
        random(session);
        login = login with { Push = Convert.ToHexStringLower(session), Token = token.Serial, Expires = now + settings.TokenTimeout };
        Hold(login);
        step.Remember(login.Record());
        step.Note(FacEvents.PushSent(login.User, token.Serial, login.Push));
        step.Push(new PushMessage(token.RegistrationId, token.Serial, login.Push, callbackHost, callbackPort(), login.User, IPAddress.Parse(login.Caller), now, login.Expires, token.OsVersion));
        return true;
    }

    /// <summary>Which of the user's phones an answer asks for, from 1; null when it asks for none.</summary>
    private static int? PhoneAsked(FacUser user, FacCredential credential)
    {
        if (credential.Is("") || credential.Is("push"))
        {
            return 1;
        }
        for (var phone = 1; phone <= user.Tokens.Length; phone++)
        {
            if (credential.Is($"push{phone}"))
            {
                return phone;
            }
        }
        return null;
    }

    private void WrongAnswer(FacStep step, FacLogin login, DateTimeOffset now)
    {
        var next = login with { WrongAnswers = login.WrongAnswers + 1 };
        if (next.WrongAnswers >= WrongAnswersMax)
        {
            End(step, login, "push_wrong_answers", now);
            return;
        }
        Hold(next);
        step.Remember(next.Record());
    }
}
