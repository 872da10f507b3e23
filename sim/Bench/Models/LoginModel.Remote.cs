using System.Globalization;
using System.Net;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Bench.Models;

/// <summary>A login whose password is verified by a remote server, in the model.</summary>
internal sealed class RemoteModelLogin(LoginHandle handle, string user, IPAddress source)
{
    internal LoginHandle Handle => handle;

    internal string User => user;

    internal IPAddress Source => source;

    /// <summary>All requests, the latest last.</summary>
    internal List<RemoteOrder> Orders { get; } = [];

    /// <summary>True while the latest request has no verdict.</summary>
    internal bool IsAsked { get; set; }

    /// <summary>The time from which an answer to the latest request has no effect.</summary>
    internal DateTimeOffset AskedUntil { get; set; }

    /// <summary>The time from which the login can no longer succeed; null while only the request bounds it.</summary>
    internal DateTimeOffset? Deadline { get; set; }

    /// <summary>The server's latest challenge; null if there was none.</summary>
    internal RemoteVerdict.Challenged? Challenge { get; set; }

    /// <summary>True if the server accepted, and the client has not collected the result.</summary>
    internal bool IsHeld { get; set; }

    internal bool IsOver { get; set; }
}

/// <content>Remote servers: a login succeeds only by a timely acceptance of the latest request. The input reaches the server that sent the
/// challenge, unchanged.</content>
internal sealed partial class LoginModel
{
    private static readonly TimeSpan AnswerLife = TimeSpan.FromSeconds(5);
    private readonly List<RemoteModelLogin> _remotes = [];
    private int _remoteAccepts;

    private void BeginRemote()
    {
        var user = Pick(LoginWorld.RemoteUsers);
        var handle = new LoginHandle($"{++_next}", string.Create(CultureInfo.InvariantCulture, $"1-{_next:x}{_random.Next():x8}"));
        var login = new RemoteModelLogin(handle, user, Pick(LoginWorld.Sources));
        var password = Digits(8);
        var step = _core.Start(new LoginRequest(user, password, "", login.Source), _world.Rules, _ => false, new LoginRandomness(handle), _now);
        if (!_world.MayLogInRemotely)
        {
            Check(
                step.Answer is LoginAnswer.Refused && step.Remote is null,
                "a remote server outside the configuration was queried"
            );
        }
        else if (step.Answer is not LoginAnswer.Refused)
        {
            Check(step.Answer is null, "a remote user was answered before the server");
            SeeOrder(login, step, password, null);
            _remotes.Add(login);
        }
        Told(step);
    }

    private void SeeOrder(RemoteModelLogin login, LoginStep step, string password, RemoteVerdict.Challenged? answers)
    {
        Check(step.Remote is not null, "a remote server was not queried");
        var order = step.Remote!;
        Check(
            order.Password == password
                && order.User == login.User
                && order.Source.Equals(login.Source)
                && ReferenceEquals(order.Answers, answers),
            "the request to a remote server differs from the typed text"
        );
        Check(order.Number == login.Orders.Count + 1, "a request has the number of another");
        var late = _now + AnswerLife;
        login.AskedUntil = login.Deadline is { } deadline && deadline < late ? deadline : late;
        Check(order.Expires == login.AskedUntil, "a request has another deadline");
        login.Orders.Add(order);
        login.IsAsked = true;
    }

    private void RemoteVerdictComes()
    {
        if (PickRemote() is not { } login || login.Orders.Count == 0)
        {
            return;
        }
        var stale = _random.Next(6) == 0;
        var order = stale ? Pick(login.Orders) : login.Orders[^1];
        stale = order != login.Orders[^1] || !login.IsAsked || login.IsOver || _now >= login.AskedUntil;
        RemoteVerdict verdict = _random.Next(8) switch
        {
            < 3 => new RemoteVerdict.Accepted(["staff"]),
            < 6 => new RemoteVerdict.Challenged(
                Digits(4),
                Pick<RemotePush>([RemotePush.No, RemotePush.ByNothing, RemotePush.ByWord]),
                new object()
            ),
            6 => new RemoteVerdict.Rejected(),
            _ => new RemoteVerdict.Unavailable("silent"),
        };
        var waits = login.Challenge is null || _random.Next(3) > 0;
        var step = _core.RemoteAnswered(login.Handle.RequestId, order.Number, verdict, waits, _world.Rules, _ => false, _now);
        var answer = step.Released.Select(released => released.Answer).LastOrDefault();
        Check(step.Released.TrueForAll(released => released.RequestId == login.Handle.RequestId), "a verdict on one login decided another");
        if (stale)
        {
            Check(answer is null or LoginAnswer.Refused, "a verdict counted without an outstanding request");
            login.IsOver |= answer is not null;
        }
        else
        {
            login.IsAsked = false;
            SeeVerdict(login, verdict, waits, answer);
        }
        Told(step);
    }

    private void SeeVerdict(RemoteModelLogin login, RemoteVerdict verdict, bool waits, LoginAnswer? answer)
    {
        switch (verdict)
        {
            case RemoteVerdict.Accepted when !waits:
                Check(answer is null, "a login succeeded without a waiting client");
                (login.IsHeld, login.Deadline) = (true, _now + FetchLife);
                break;
            case RemoteVerdict.Accepted:
                GetsInRemotely(login, answer);
                break;
            case RemoteVerdict.Challenged challenged:
                Check(
                    answer is LoginAnswer.Challenge { Reason: ChallengeReason.Remote } told
                        && told.Text == challenged.Text
                        && told.Push == (challenged.Push != RemotePush.No)
                        && told.Handle == login.Handle,
                    "a challenge differs from the server's"
                );
                login.Deadline ??= _now + SecondFactorLife;
                login.Challenge = challenged;
                break;
            default:
                Check(answer is LoginAnswer.Refused { Retry: false }, "a server's reject was not final");
                login.IsOver = true;
                break;
        }
    }

    private void AnswerRemote()
    {
        if (PickRemote() is not { } login)
        {
            return;
        }
        var astray = _random.Next(10) == 0;
        var (handle, source) =
            !astray ? (login.Handle, login.Source)
            : _random.Next(2) == 0 ? (login.Handle with { Magic = login.Handle.Magic + "0" }, login.Source)
            : (login.Handle, LoginWorld.Sources.First(other => !other.Equals(login.Source)));
        var waits = _random.Next(3) == 0;
        var typed = waits || _random.Next(4) == 0 ? "" : Digits(6);
        var asked = login.IsAsked ? login.Orders[^1] : null;
        var step = waits
            ? _core.AwaitPush(handle, source, _world.Rules, _ => false, _now)
            : _core.SubmitCode(handle, typed, source, _world.Rules, _ => false, _now);
        // The first access to a late login ends it permanently.
        var late = (login.Challenge is not null || login.IsHeld) && (_now >= login.Deadline || (login.IsAsked && _now >= login.AskedUntil));
        Check(!late || step.Answer is LoginAnswer.Refused, "a login continued after its deadline");
        login.IsOver |= late;
        switch (step.Answer)
        {
            case LoginAnswer.Success:
                Check(!astray && login.IsHeld, "a login succeeded that the server did not accept");
                GetsInRemotely(login, step.Answer);
                break;
            case LoginAnswer.Refused refused:
                login.IsOver |= !astray && !refused.Retry && refused.Reason is not (Refusal.Blocked or Refusal.UnknownRequest);
                break;
            case null:
                Check(
                    !astray && !login.IsOver && login.Challenge is not null && _now < login.Deadline,
                    "a reply was sent without a login"
                );
                if (step.Remote is not null)
                {
                    SeeOrder(
                        login,
                        step,
                        typed.Length == 0 && login.Challenge!.Push == RemotePush.ByWord ? "push" : typed,
                        login.Challenge
                    );
                }
                else
                {
                    Check(
                        asked is not null && (asked.Password == typed || (typed.Length == 0 && asked.Password == "push")),
                        "a client waits for a request that was not sent"
                    );
                }
                break;
            default:
                Check(false, "a reply was challenged before the server was queried");
                break;
        }
        Told(step);
    }

    private void GetsInRemotely(RemoteModelLogin login, LoginAnswer? answer)
    {
        if (answer is LoginAnswer.Refused && !_world.MayLogInRemotely)
        {
            login.IsOver = true;
            return;
        }
        Check(answer is LoginAnswer.Success, "an accepted login was refused");
        Check(
            !login.IsOver && (login.Deadline is null || _now < login.Deadline) && _world.MayLogInRemotely,
            "a login succeeded after its end"
        );
        var grant = ((LoginAnswer.Success)answer!).Grant;
        Check(
            grant.User == login.User
                && grant.Group == LoginWorld.RemoteGroup
                && grant.Source.Equals(login.Source)
                && grant.TwoFactor == login.Deadline is not null,
            "a login authenticated another user"
        );
        login.IsOver = true;
        _remoteAccepts++;
    }

    private RemoteModelLogin? PickRemote()
    {
        var alive = _random.Next(5) > 0 ? _remotes.FindAll(login => !login.IsOver) : [];
        return alive.Count > 0 ? Pick(alive)
            : _remotes.Count > 0 ? Pick(_remotes)
            : null;
    }
}
