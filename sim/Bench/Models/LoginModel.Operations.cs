using System.Globalization;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Tokens;

namespace Appliance.Bench.Models;

/// <summary>The kind of a submitted code.</summary>
internal enum SubmittedCode
{
    /// <summary>The code that the user's token, or e-mail, shows.</summary>
    Right,

    /// <summary>A consumed code.</summary>
    Used,

    /// <summary>A code that another user's token shows.</summary>
    OfAnotherToken,

    /// <summary>Random digits.</summary>
    Random,

    /// <summary>A code of a distant step, and perhaps the one after it.</summary>
    Drifted,
}

/// <content>The operations, and the checks of their results against the model.</content>
internal sealed partial class LoginModel
{
    /// <summary>Times of the default configuration (two-factor-*-expiry, login-timeout), and of a push.</summary>
    private static readonly TimeSpan SecondFactorLife = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FetchLife = TimeSpan.FromSeconds(30);

    private void Begin()
    {
        var person = Pick(LoginWorld.People);
        var source = Pick(LoginWorld.Sources);
        var right = _random.Next(8) > 0;
        var handle = new LoginHandle($"{++_next}", string.Create(CultureInfo.InvariantCulture, $"1-{_next:x}{_random.Next():x8}"));
        var mailed = _random.Next(1_000_000).ToString("D6", CultureInfo.InvariantCulture);
        var login = new ModelLogin(handle, person, source, _now + SecondFactorLife) { MailedCode = mailed };
        var withCode =
            person.Token is not null && _random.Next(6) == 0
                ? CodeFor(login, Pick<SubmittedCode>([SubmittedCode.Right, SubmittedCode.Used]))
                : "";
        var step = _core.Start(
            new LoginRequest(person.Name, right ? person.Name + "-password" : "wrong", "", source, person.Kind) { Code = withCode },
            _world.Rules,
            _ => _random.Next(10) > 0,
            new LoginRandomness(handle, 42, mailed),
            _now
        );
        switch (step.Answer)
        {
            case LoginAnswer.Success success when !success.Grant.TwoFactor:
                Check(
                    right && !_world.MayLogIn(person) && person.Name == "ugo",
                    "a login succeeded without the required second factor"
                );
                Told(step);
                return;
            case LoginAnswer.Success:
                Check(right && withCode.Length > 0, "a login succeeded by a password alone");
                GotInByCode(login, withCode, step);
                return;
            case LoginAnswer.Challenge challenge:
                Check(right, "a wrong password was prompted for a code");
                Check(challenge.Handle == handle, "a challenge names another login");
                SeeChallenge(login, challenge);
                login.PushOut = step.Push is not null;
                login.PushExpires = step.Push?.Expires ?? default;
                Check(
                    step.Push is null || (step.Push.RequestId == handle.RequestId && step.Push.User == person.Name),
                    "a push is addressed to another user"
                );
                Check(withCode.Length == 0 || step.Push is null, "a push was sent although a code was given");
                if (Told(step))
                {
                    _logins.Add(login);
                }
                return;
            default:
                Told(step);
                return;
        }
    }

    private void Submit(SubmittedCode which)
    {
        if (PickLogin() is not { } login)
        {
            return;
        }
        var code = CodeFor(login, which);
        var next =
            which == SubmittedCode.Drifted && login.Person.Token is { } token && _random.Next(2) == 0 && _driftedStep is { } drifted
                ? token.CodeOf(drifted + 1)
                : "";
        var asked = login.Drifted;
        login.Drifted = null;
        var step = _core.SubmitCode(login.Handle, code, login.Source, _world.Rules, _ => false, _now, next, login.Person.Kind);
        switch (step.Answer)
        {
            case LoginAnswer.Success when login.Person.Token is null:
                GetsIn(login, step);
                Check(code == login.MailedCode, "a login succeeded by another code than the mailed one");
                login.MailedCode = null;
                Told(step);
                return;
            case LoginAnswer.Success when asked is { } first:
                GotInByTwo(login, first.Code, code, step);
                return;
            case LoginAnswer.Success when next.Length > 0:
                GotInByTwo(login, code, next, step);
                return;
            case LoginAnswer.Success:
                GotInByCode(login, code, step);
                return;
            case LoginAnswer.Challenge challenge:
                Check(!login.IsOver, $"a login was prompted again after its end: {login.Over}");
                SeeChallenge(login, challenge);
                login.Drifted =
                    challenge.Reason == ChallengeReason.NextCode && (_driftedStep ?? StepOf(login.Person.Token!, code)) is { } of
                        ? (code, of)
                        : null;
                break;
            case LoginAnswer.Refused { Retry: false, Reason: not Refusal.Blocked }:
                login.End("it was refused");
                break;
        }
        Told(step);
    }

    /// <summary>Submits with the wrong magic, from another address, or by another access method, which must never succeed.</summary>
    private void SubmitAstray()
    {
        if (PickLogin() is not { } login)
        {
            return;
        }
        var (handle, source, kind) = _random.Next(3) switch
        {
            0 => (login.Handle with { Magic = login.Handle.Magic + "0" }, login.Source, login.Person.Kind),
            1 => (login.Handle, LoginWorld.Sources.First(source => !source.Equals(login.Source)), login.Person.Kind),
            _ => (login.Handle, login.Source, login.Person.Kind == LoginKind.Admin ? LoginKind.SslVpn : LoginKind.Admin),
        };
        var step =
            _random.Next(2) == 0
                ? _core.SubmitCode(handle, CodeFor(login, SubmittedCode.Right), source, _world.Rules, _ => false, _now, kind: kind)
                : _core.AwaitPush(handle, source, _world.Rules, _ => false, _now, kind);
        Check(step.Answer is LoginAnswer.Refused, "a login was taken over by another request");
        Told(step);
    }

    private void AwaitPush()
    {
        if (PickLogin() is not { } login)
        {
            return;
        }
        var step = _core.AwaitPush(login.Handle, login.Source, _world.Rules, _ => false, _now, login.Person.Kind);
        if (step.Answer is LoginAnswer.Success)
        {
            Check(login.Approved, "a login succeeded by a push that was not approved");
            GetsIn(login, step);
        }
        Told(step);
    }

    private void Approve(bool right)
    {
        if (PickLogin() is not { } login)
        {
            return;
        }
        var code = CodeFor(
            login,
            right ? SubmittedCode.Right : Pick<SubmittedCode>([SubmittedCode.Used, SubmittedCode.OfAnotherToken, SubmittedCode.Random])
        );
        var (accepted, step) = _core.PushApproved(login.Handle.RequestId, code, "", _world.Rules, _now);
        if (!accepted)
        {
            Told(step);
            return;
        }
        MayGetIn(login);
        Check(login.PushOut && _now < login.PushExpires, "a push was approved that was not pending");
        login.PushOut = false;
        if (!Told(step, UseUp(login, code, step)))
        {
            login.End("the unit crashed while the phone approved");
            return;
        }
        _pushes++;
        var waits = _random.Next(2) == 0;
        var confirmed = _core.ConfirmPush(login.Handle.RequestId, waits, _world.Rules, _now);
        foreach (var (requestId, answer) in confirmed.Released)
        {
            Check(requestId == login.Handle.RequestId, "the approval of one login completed another");
            Check(answer is LoginAnswer.Success, "an approved login was refused");
            GetsIn(login, answer);
        }
        login.Approved = !waits;
        login.Deadline = waits ? login.Deadline : _now + FetchLife;
        Told(confirmed);
    }

    private void Deny()
    {
        if (PickLogin() is not { } login)
        {
            return;
        }
        var (accepted, step) = _core.PushDenied(login.Handle.RequestId, _world.Rules, _now);
        if (accepted)
        {
            Check(login.PushOut && !login.IsOver, "a push was denied that was not pending");
            login.End("it was denied on the phone");
        }
        Told(step);
    }

    private void FailPush()
    {
        if (PickLogin() is { } login)
        {
            Told(_core.PushFailed(login.Handle.RequestId, _world.Rules));
            login.PushOut = false;
        }
    }

    private void Resync()
    {
        var token = Pick(LoginWorld.Tokens);
        var seed = TokenSeed.Parse(
            $"otpauth://totp/x?secret={OtpNet.Base32Encoding.ToString(token.Secret)}&period={token.Period}&digits={token.Digits}&algorithm={token.Algorithm.ToString().ToUpperInvariant()}"
        )!;
        var first = token.StepAt(_now) + _random.Next(-6, 7);
        var (verdict, step) = _core.Resync(seed, token.CodeOf(first), token.CodeOf(first + 1), _now);
        if (verdict.Outcome == ResyncOutcome.Synced)
        {
            _resyncs++;
            IsNew(token, first);
            IsNew(token, first + 1);
            Told(step, () => Use(token, first, first + 1));
            return;
        }
        Told(step);
    }

    private void SeeChallenge(ModelLogin login, LoginAnswer.Challenge challenge)
    {
        if (challenge.Reason != ChallengeReason.Wait)
        {
            return;
        }
        _waits++;
        var period = TimeSpan.FromSeconds(login.Person.Token!.Period);
        var rest = period - TimeSpan.FromTicks((_now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) % period.Ticks);
        Check(challenge.Rest == rest && rest > TimeSpan.Zero && rest <= period, "the wait is not the rest of the step");
        Check(
            challenge.Text == $"Please wait {(rest.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond} seconds to login again",
            "the prompt has another wait"
        );
    }
}
