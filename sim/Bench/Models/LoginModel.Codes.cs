using System.Globalization;
using Appliance.Firmware.Login;

namespace Appliance.Bench.Models;

/// <content>The codes, and the rule that each works once.</content>
internal sealed partial class LoginModel
{
    /// <summary>Steps either way: more than the sixty minutes that a token may be off at all, whatever its step.</summary>
    private const int Reach = 121;

    private long? _driftedStep;

    private string CodeFor(ModelLogin login, SubmittedCode which)
    {
        _driftedStep = null;
        if (login.Person.Token is not { } token)
        {
            return which == SubmittedCode.Right && login.MailedCode is { } mailed ? mailed : Digits(6);
        }
        switch (which)
        {
            case SubmittedCode.Right when login.Drifted is { } drifted && _random.Next(4) > 0:
                return token.CodeOf(drifted.Step + 1);
            case SubmittedCode.Right:
                return token.CodeOf(token.StepAt(_now) + _drifts.GetValueOrDefault(token.Serial) + _random.Next(-1, 2));
            case SubmittedCode.Used when _used.TryGetValue(token.Serial, out var used) && used.Count > 0:
                // The latest ones, mostly: those that a window could let through again.
                return token.CodeOf(used.Max() - (_random.Next(3) == 0 ? _random.Next(4) : 0));
            case SubmittedCode.OfAnotherToken:
                var other = Pick(LoginWorld.Tokens);
                return other.Serial == token.Serial ? Digits(token.Digits) : other.CodeOf(other.StepAt(_now));
            case SubmittedCode.Drifted:
                _driftedStep = token.StepAt(_now) + _random.Next(-20, 21);
                return token.CodeOf(_driftedStep.Value);
            default:
                return Digits(token.Digits);
        }
    }

    private string Digits(int count) => _random.NextInt64((long)Math.Pow(10, count)).ToString($"D{count}", CultureInfo.InvariantCulture);

    /// <summary>The latest step near the unit's own time that shows this code and was not consumed; null if there is none.</summary>
    private long? StepOf(ModelToken token, string code)
    {
        var own = token.StepAt(_now);
        long? found = null;
        for (var step = own - Reach; step <= own + Reach; step++)
        {
            found = token.CodeOf(step) == code && !IsUsed(token, step) ? step : found;
        }
        return found;
    }

    private bool IsUsed(ModelToken token, long step) => _used.TryGetValue(token.Serial, out var used) && used.Contains(step);

    private void Use(ModelToken token, long first, long last)
    {
        if (!_used.TryGetValue(token.Serial, out var used))
        {
            _used.Add(token.Serial, used = []);
        }
        for (var step = first; step <= last; step++)
        {
            used.Add(step);
        }
        _drifts[token.Serial] = Math.Clamp((int)(last - token.StepAt(_now)), -50, 50);
    }

    private void IsNew(ModelToken token, long step)
    {
        Check(!IsUsed(token, step), $"the code of step {step} of {token.Serial} was accepted twice");
        Check(
            !_used.TryGetValue(token.Serial, out var used) || step >= used.Max(),
            $"a code of {token.Serial} older than the last one was accepted"
        );
    }

    /// <summary>
    /// The step that is stored for an accepted code. Two steps may show the same digits, and the core's write names the one that it took.
    /// </summary>
    private static long Remembered(LoginStep step) =>
        (long)step.Memory.Single(write => write.Sql.Contains("INTO token_use_log", StringComparison.Ordinal)).Values[1]!;

    /// <summary>
    /// Checks that the accepted code is of the stored step, near and new. Returns the action that consumes it once it is on disk.
    /// </summary>
    private Action UseUp(ModelLogin login, string code, LoginStep step)
    {
        var (token, used) = (login.Person.Token!, Remembered(step));
        Check(token.CodeOf(used) == code, $"the stored step of {token.Serial} differs from the displayed one");
        Check(Math.Abs(used - token.StepAt(_now)) * token.Period <= 3600, $"a code of {token.Serial} was accepted from far away");
        IsNew(token, used);
        return () => Use(token, used, used);
    }

    private void GotInByCode(ModelLogin login, string code, LoginStep step)
    {
        var useUp = UseUp(login, code, step);
        GetsIn(login, step);
        _codes++;
        Told(step, useUp);
    }

    private void GotInByTwo(ModelLogin login, string first, string second, LoginStep step)
    {
        var (token, last) = (login.Person.Token!, Remembered(step));
        if (token.CodeOf(last) != second)
        {
            GotInByCode(login, first, step); // Close enough to need no second code.
            return;
        }
        Check(token.CodeOf(last - 1) == first, $"two codes of {token.Serial} were accepted that are not consecutive");
        IsNew(token, last - 1);
        IsNew(token, last);
        GetsIn(login, step);
        _resyncs++;
        Told(step, () => Use(token, last - 1, last));
    }

    private void GetsIn(ModelLogin login, LoginStep step) => GetsIn(login, step.Answer!);

    private void GetsIn(ModelLogin login, LoginAnswer answer)
    {
        MayGetIn(login);
        var grant = ((LoginAnswer.Success)answer).Grant;
        Check(
            grant.User == login.Person.Name && grant.Kind == login.Person.Kind && grant.Source.Equals(login.Source),
            "a login authenticated another user"
        );
        Check(grant.TwoFactor, "a second factor was verified and is not reported");
        login.End("it is in");
    }

    private void MayGetIn(ModelLogin login)
    {
        Check(!login.IsOver, $"a login succeeded after its end: {login.Over}");
        Check(_now < login.Deadline, "a login succeeded after its deadline");
        Check(_world.MayLogIn(login.Person), "a login succeeded that the configuration refuses");
    }
}
