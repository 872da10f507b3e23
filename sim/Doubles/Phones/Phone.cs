using System.Net;
using System.Security.Cryptography;
using Appliance.Doubles.Wire;
using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.Phones;

/// <summary>A change of a phone's behaviour; null fields stay as they are.</summary>
public sealed record PhoneChange(PhoneMode? Mode = null, TimeSpan? Delay = null, TimeSpan? Skew = null, bool? Online = null);

/// <summary>A push as the phone displays it.</summary>
public sealed record PushOnScreen(
    string Session,
    string Message,
    DateTimeOffset Expires,
    bool NumberMatch,
    string User,
    IPAddress From,
    DateTimeOffset Time
);

/// <summary>A snapshot of a phone.</summary>
public sealed record PhoneView(
    string Serial,
    string? User,
    string Platform,
    PhoneMode Mode,
    TimeSpan Delay,
    TimeSpan Skew,
    bool Online,
    IReadOnlyList<PushOnScreen> Pending,
    string Code,
    PhoneReply? LastAnswer
);

/// <summary>The reason for which no answer was sent.</summary>
public enum NoAnswer
{
    NonePending,
    Offline,
}

/// <summary>One mobile token on one simulated phone, which shows codes, receives pushes and calls the appliance back.</summary>
public sealed class Phone : IDisposable
{
    /// <summary>The number of pending pushes that a phone keeps; beyond it, the oldest is removed.</summary>
    private const int MostPending = 100;

    private readonly Lock _gate = new();
    private readonly List<PendingPush> _pushes = [];
    private readonly Dictionary<string, DateTimeOffset> _seen = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly PushCallback _callback;
    private readonly CancellationTokenSource _gone = new();
    private PhoneMode _mode;
    private TimeSpan _delay;
    private TimeSpan _skew;
    private bool _online = true;
    private PhoneReply? _lastAnswer;

    public Phone(TokenActivation activation, PushCallback callback, TimeProvider time)
    {
        Activation = activation;
        _callback = callback;
        _time = time;
    }

    public string Serial => Activation.Serial;

    public string? User => Activation.User;

    /// <summary>
    /// The platform, from the version text that the phone registered with. As on the appliance, everything but Android counts as iOS.
    /// </summary>
    public string Platform => Activation.OsVersion.StartsWith("android", StringComparison.OrdinalIgnoreCase) ? "android" : "ios";

    /// <summary>The address of the phone's own enrolment card: 128 random bits, generated with each start of the lab.</summary>
    public string Enrolment { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>The validity period of a displayed code.</summary>
    public TimeSpan Step
    {
        get
        {
            lock (_gate)
            {
                return Activation.Step;
            }
        }
    }

    /// <summary>True if the phone receives pushes; false if it only shows codes.</summary>
    public bool HasPush
    {
        get
        {
            lock (_gate)
            {
                return Activation.RegistrationId.Length > 0;
            }
        }
    }

    /// <summary>True while the phone has a connection.</summary>
    public bool Online
    {
        get
        {
            lock (_gate)
            {
                return _online;
            }
        }
    }

    /// <summary>The code that the app shows now, by the phone's own clock, which may be wrong.</summary>
    public string Code
    {
        get
        {
            TokenActivation activation;
            TimeSpan skew;
            lock (_gate)
            {
                (activation, skew) = (Activation, _skew);
            }
            return PhoneCode.At(activation, _time.GetUtcNow() + skew);
        }
    }

    public PhoneView View()
    {
        var code = Code;
        lock (_gate)
        {
            ExpireLocked();
            List<PushOnScreen> pending =
            [
                .. _pushes
                    .Where(push => push is { Delivered: true, Answering: false })
                    .Select(push => new PushOnScreen(
                        push.Message.SessionId,
                        Text(push.Message),
                        push.Message.Expires,
                        push.Message.NumberMatch,
                        push.Message.User,
                        push.Message.ClientAddress,
                        push.Message.Time
                    )),
            ];
            return new(Serial, User, Platform, _mode, _delay, _skew, _online, pending, code, _lastAnswer);
        }
    }

    /// <summary>
    /// Changes the phone's behaviour. The mode applies to pushes that arrive from now on; going online delivers the stored ones.
    /// </summary>
    public void Change(PhoneChange change)
    {
        List<PendingPush> delivered = [];
        lock (_gate)
        {
            _mode = change.Mode ?? _mode;
            _delay = change.Delay ?? _delay;
            _skew = change.Skew ?? _skew;
            _online = change.Online ?? _online;
            if (_online)
            {
                ExpireLocked();
                delivered.AddRange(_pushes.Where(push => !push.Delivered));
                delivered.ForEach(push => push.Delivered = true);
            }
        }
        delivered.ForEach(React);
        if (change.Online is not null)
        {
            OnlineChanged?.Invoke();
        }
    }

    /// <summary>Answers the oldest pending push and waits for the appliance's response.</summary>
    /// <param name="approve">True to approve, false to deny.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <param name="number">The number that was typed on the phone; null for none.</param>
    public async Task<(PhoneReply? Answer, NoAnswer Reason)> AnswerOldestAsync(
        bool approve,
        CancellationToken cancellationToken,
        string? number = null
    )
    {
        PendingPush? push;
        lock (_gate)
        {
            ExpireLocked();
            push = _pushes.Find(candidate => candidate is { Delivered: true, Answering: false });
            if (push is null || !_online)
            {
                return (null, push is null ? NoAnswer.NonePending : NoAnswer.Offline);
            }
            push.Answering = true;
        }
        return (await AnswerAsync(push, approve, number, cancellationToken), default);
    }

    public void Dispose()
    {
        _gone.Cancel();
        _gone.Dispose();
    }

    internal TokenActivation Activation { get; private set; }

    /// <summary>The wire capture that records the phone's messages; null for none.</summary>
    internal LabWire? Wire { get; init; }

    /// <summary>Called after the phone went online or offline.</summary>
    internal Action? OnlineChanged { get; init; }

    /// <summary>Enrols the app again, with another seed or registration; pending pushes stay.</summary>
    internal void Enrol(TokenActivation activation)
    {
        lock (_gate)
        {
            Activation = activation;
        }
    }

    internal void Receive(PushMessage message)
    {
        var push = new PendingPush(message);
        lock (_gate)
        {
            ExpireLocked();
            if (message.Expires <= _time.GetUtcNow() || !_seen.TryAdd(message.SessionId, message.Expires))
            {
                return; // A cloud may deliver late or twice; the user is prompted once.
            }
            if (_pushes.Count >= MostPending)
            {
                _pushes.RemoveAt(0);
            }
            _pushes.Add(push);
            push.Delivered = _online;
        }
        Wire?.Push(
            message.SessionId,
            message.User,
            Wire.PushesDirect ? Wire.PusherAt(message.CallbackHost) : Party.Provider,
            Party.Phone,
            WireText.Push(message)
        );
        if (push.Delivered)
        {
            React(push);
        }
    }

    private static string Text(PushMessage message) =>
        $"Login request of {message.User} from {message.ClientAddress}{(message.NumberMatch ? "; type the number that the login shows" : "")}";

    private void React(PendingPush push)
    {
        PhoneMode mode;
        TimeSpan delay;
        lock (_gate)
        {
            (mode, delay) = (_mode, _delay);
        }
        if (mode is PhoneMode.Approve or PhoneMode.Deny)
        {
            // Never on the sender's thread: a real phone answers at any time.
            WorkTracker.Run(WorkTracker.Of(_time), () => Task.Run(() => ReactAsync(push, mode == PhoneMode.Approve, delay)));
        }
    }

    private async Task ReactAsync(PendingPush push, bool approve, TimeSpan delay)
    {
        try
        {
            await WorkTracker.DelayAsync(delay, _time, _gone.Token);
            lock (_gate)
            {
                ExpireLocked();
                if (!_online || push.Answering || !_pushes.Contains(push))
                {
                    return;
                }
                push.Answering = true;
            }
            await AnswerAsync(push, approve, number: null, _gone.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The phone was removed (its token was deleted, or the lab stops).
        }
    }

    private async Task<PhoneReply> AnswerAsync(PendingPush push, bool approve, string? number, CancellationToken cancellationToken)
    {
        PhoneReply? answer = null;
        try
        {
            answer = await _callback.SendAsync(push.Message, Activation, approve, Code, number, cancellationToken);
            return answer;
        }
        finally
        {
            lock (_gate)
            {
                _lastAnswer = answer ?? _lastAnswer;
                // Without an HTTP response, the push may be answered again until it expires.
                push.Answering = false;
                if (answer?.Status is not null)
                {
                    _pushes.Remove(push);
                }
            }
        }
    }

    private void ExpireLocked()
    {
        var now = _time.GetUtcNow();
        _pushes.RemoveAll(push => push.Message.Expires <= now && !push.Answering);
        foreach (var old in _seen.Where(seen => seen.Value <= now).Select(seen => seen.Key).ToArray())
        {
            _seen.Remove(old);
        }
    }
}
