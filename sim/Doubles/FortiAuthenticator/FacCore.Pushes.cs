using System.Net;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Tokens;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The rules of pushes: which phone receives one, and what its answer decides.</summary>
public sealed partial class FacCore
{
    /// <summary>Handles a phone's approval with a code. <c>Accepted</c> is true if it decided a login.</summary>
    public (bool Accepted, FacStep Step) PushApproved(string session, string code, DateTimeOffset now)
    {
        var step = new FacStep();
        if (!_pushes.TryGetValue(session, out var login) || now >= login.Expires)
        {
            return (false, step);
        }
        var user = _users[login.User];
        var verdict = tokens.Check(TokenOf(login).Seed!, code, now);
        if (verdict.Outcome == CodeOutcome.Wait)
        {
            // Another login consumed this time step. The phone prompts its user once, so no further answer would follow.
            End(step, login, CodeUsed(verdict.Wait), now);
            return (false, step);
        }
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

    /// <summary>Handles a phone's signed denial. <c>Accepted</c> is true if it decided a login.</summary>
    public (bool Accepted, FacStep Step) PushDenied(string session, string message, byte[] hmac, DateTimeOffset now)
    {
        var step = new FacStep();
        if (!_pushes.TryGetValue(session, out var login) || now >= login.Expires)
        {
            return (false, step);
        }
        if (!PushSessions.IsGenuineAlert(TokenOf(login).Seed!.AlertKey(), session, message, hmac))
        {
            WrongAnswer(step, login, now);
            return (false, step);
        }
        End(step, login, "push_denied", now);
        return (true, step);
    }

    /// <summary>Records that a push was handed over: one event for each push, also if its login has ended meanwhile.</summary>
    public FacStep PushSent(PushMessage push)
    {
        var step = new FacStep();
        _pushes.TryGetValue(push.SessionId, out var login);
        if (login is not { IsSent: true })
        {
            step.Note(FacEvents.PushSent(push.User, push.TokenSerial, push.SessionId));
        }
        if (login is { IsSent: false })
        {
            login = login with { IsSent = true };
            Hold(login);
            step.Remember(login.Record());
        }
        return step;
    }

    /// <summary>Handles a push that could not be handed over.</summary>
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

    /// <summary>Returns the pushes of the pending logins, for phones that lost them in a restart of the emulator and its phones.</summary>
    public FacStep PendingPushes(DateTimeOffset now)
    {
        var step = new FacStep();
        foreach (var login in _pushes.Values.Where(login => now < login.Expires))
        {
            step.Push(Message(login, TokenOf(login)));
        }
        return step;
    }

    /// <summary>
    /// Sends a push; returns null once it is under way, otherwise the rejection. A token whose displayed code was already consumed gets no
    /// push, because its phone could not approve: the user has to wait for the next code.
    /// </summary>
    private FacVerdict.Reject? SendPush(FacStep step, FacLogin login, int phone, DateTimeOffset now)
    {
        var token = _users[login.User].Tokens.Where(CanPush).ElementAtOrDefault(phone - 1);
        if (token is null)
        {
            return new FacVerdict.Reject("no_push_token");
        }
        if (tokens.WaitFor(token.Seed!, now) is { } rest)
        {
            return CodeUsed(rest);
        }
        Span<byte> session = stackalloc byte[16];
        random(session);
        login = login with { Push = Convert.ToHexStringLower(session), Token = token.Serial, Expires = now + settings.TokenTimeout };
        Hold(login);
        step.Remember(login.Record());
        step.Push(Message(login, token));
        return null;
    }

    private static bool CanPush(Token token) => token is { Locked: false, Seed: not null, RegistrationId.Length: > 0 };

    private static FacVerdict.Reject CodeUsed(TimeSpan rest) => new("code_used_in_this_step", WaitMessage.Text(rest));

    private Token TokenOf(FacLogin login) => _users[login.User].Tokens.First(token => token.Serial == login.Token);

    private PushMessage Message(FacLogin login, Token token) =>
        new(
            token.RegistrationId,
            token.Serial,
            login.Push!,
            callbackHost,
            callbackPort(),
            login.User,
            IPAddress.Parse(login.Caller),
            login.Expires - settings.TokenTimeout,
            login.Expires,
            token.OsVersion
        );

    /// <summary>Returns which of the user's phones a response requests, from 1; null if it requests none.</summary>
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
