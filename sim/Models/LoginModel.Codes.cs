using System.Globalization;
using Appliance.Firmware.Login;

namespace Appliance.Sim.Models;

/// <content>Which codes there are, and that each works once.</content>
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
            case SubmittedCode.Right when login.DriftedStep is { } drifted && _random.Next(4) > 0:
                return token.CodeOf(drifted + 1);
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

    /// <summary>The youngest step near the unit's own time that shows this code and was not used; null when none does.</summary>
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
        Check(!_used.TryGetValue(token.Serial, out var used) || step >= used.Max(), $"a code of {token.Serial} older than the last one was accepted");
    }

    /// <summary>The login whose code was accepted may get in, and the code is new. Gives what uses it up once it is on disk.</summary>
    private Action UseUp(ModelLogin login, string code)
    {
        var token = login.Person.Token!;
        var step = StepOf(token, code);
        Check(step is not null, $"a code of {token.Serial} was accepted that is used, or of no step near");
        IsNew(token, step!.Value);
        return () => Use(token, step.Value, step.Value);
    }

    private void GotInByCode(ModelLogin login, string code, LoginStep step)
    {
        var useUp = UseUp(login, code);
        GetsIn(login, step);
        _codes++;
        Told(step, useUp);
    }

    private void GotInByTwo(ModelLogin login, long first, LoginStep step)
    {
        var token = login.Person.Token!;
        // A first code near enough needs no second: what is remembered tells.
        var last = (long)step.Memory.Single(write => write.Sql.Contains("token_use", StringComparison.Ordinal)).Values[1]!;
        Check(last == first || last == first + 1, $"another step of {token.Serial} is remembered than was shown");
        for (var used = first; used <= last; used++)
        {
            IsNew(token, used);
        }
        GetsIn(login, step);
        _resyncs++;
        Told(step, () => Use(token, first, last));
    }

    private void GetsIn(ModelLogin login, LoginStep step) => GetsIn(login, step.Answer!);

    private void GetsIn(ModelLogin login, LoginAnswer answer)
    {
        MayGetIn(login);
        var grant = ((LoginAnswer.Success)answer).Grant;
        Check(grant.User == login.Person.Name && grant.Kind == login.Person.Kind && grant.Source.Equals(login.Source), "a login let in somebody else");
        Check(grant.TwoFactor, "a second factor was given and is not told");
        login.End("it is in");
    }

    private void MayGetIn(ModelLogin login)
    {
        Check(!login.IsOver, $"a login got in that is over: {login.Over}");
        Check(_now < login.Deadline, "a login got in after its deadline");
        Check(_world.MayLogIn(login.Person), "a login got in that the configuration shuts out");
    }
}
