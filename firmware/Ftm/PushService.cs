using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Ftm;

/// <summary>Reports that a phone's registration no longer accepts pushes, according to the provider.</summary>
/// <param name="Serial">The token's serial number.</param>
/// <param name="RegistrationId">The registration that is gone; a newer one is not affected.</param>
/// <param name="At">The time since which it is gone.</param>
public sealed record RegistrationGone(string Serial, string RegistrationId, DateTimeOffset At);

/// <summary>Sends pushes for the login core and passes the phones' answers back to it.</summary>
public sealed class PushService : IPushGateway, IPushAnswers, IConfigSubscriber, IAsyncDisposable
{
    /// <summary>Maximum duration of a timer (about 49 days); a later deadline takes several timers.</summary>
    private static readonly TimeSpan WatchMax = TimeSpan.FromDays(40);

    private readonly LoginService _login;
    private readonly IPushSender _sender;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly DebugTap _debug;
    private readonly Func<RegistrationGone, Task> _gone;
    private readonly PushSessions _sessions = new();
    private readonly PushHealth _health = new();
    private readonly PushCounts _counts = new();
    private readonly ITimer _healthTimer;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly WorkTracker? _work;
    private volatile FtmPushSettings _settings = new(false, "", 0);

    /// <param name="login">The login core, with the pending logins.</param>
    /// <param name="sender">The path to the phones.</param>
    /// <param name="events">The event log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="debug">The debug stream.</param>
    /// <param name="gone">Called for every registration that the provider reports as gone, on any thread; must not throw.</param>
    public PushService(
        LoginService login,
        IPushSender sender,
        EventLog events,
        TimeProvider time,
        DebugTap debug,
        Func<RegistrationGone, Task> gone
    )
    {
        _login = login;
        _sender = sender;
        _events = events;
        _time = time;
        _debug = debug;
        _gone = gone;
        _work = WorkTracker.Of(time);
        _healthTimer = time.CreateTimer(
            _ => Watch(health => health.Tick(_time.GetUtcNow())),
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        _settings = FtmPushSettings.From(next);
        return null;
    }

    /// <inheritdoc/>
    public bool CanPush(Token token) => _settings.Usable && token.RegistrationId.Length > 0;

    /// <inheritdoc/>
    public void Send(PushOrder order)
    {
        var settings = _settings;
        if (_sessions.Open(PushSessionId.New(), order) is not { } session)
        {
            return; // This login already has its push.
        }
        _debug.Write(
            DebugArea.FtmPush,
            $"Connecting to server address: {_sender.Server.Address}, port nubmer: {_sender.Server.Port} oif: 0"
        );
        // Not awaited: slow push delivery must not delay the login, in which a code can still be entered.
        WorkTracker.Run(_work, () => SendAsync(session, settings));
    }

    /// <summary>The journal number of the login that a push belongs to; null if the login is decided or never existed.</summary>
    public long? LoginOf(string sessionId) =>
        PushSessionId.Parse(Encoding.UTF8.GetBytes(sessionId)) is { } id ? _sessions.LoginOf(id) : null;

    /// <inheritdoc/>
    public void Cancel(long loginId) => _sessions.Cancel(loginId);

    /// <inheritdoc/>
    public void Decided(bool accepted) => _counts.Answer(accepted);

    /// <inheritdoc/>
    public ValueTask<bool> ApproveAsync(PushSessionId session, ReadOnlySpan<char> code, ReadOnlySpan<char> number)
    {
        if (Take(session) is not { } taken)
        {
            return new(false);
        }
        var deciding = _login.Phones.PushApprovedAsync(taken.Order, code, number, out var accepted);
        // Decided, though not on disk yet. The session is over regardless of the write, and is counted when its result is known (Decided).
        _sessions.Return(taken, accepted);
        return deciding;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> AlertAsync(PushSessionId session, string message, byte[] hmac)
    {
        if (Take(session) is not { } taken)
        {
            return false;
        }
        var decided = false;
        try
        {
            return decided =
                PushSessions.IsGenuineAlert(taken.Order.Token.Seed!.AlertKey(), session.ToString(), message, hmac)
                && await _login.Phones.PushDeniedAsync(taken.Order.RequestId).ConfigureAwait(false);
        }
        finally
        {
            _counts.Answer(decided);
            _sessions.Return(taken, decided);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _healthTimer.DisposeAsync().ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>The counters since the start.</summary>
    public PushCounts Counts => _counts;

    /// <summary>True while pushes fail.</summary>
    public bool Degraded
    {
        get
        {
            lock (_lock)
            {
                return _health.Degraded;
            }
        }
    }

    private PushSession? Take(PushSessionId id)
    {
        var taken = _sessions.Take(id, _time.GetUtcNow());
        if (taken is null)
        {
            _counts.NoSuchPush();
        }
        return taken;
    }

    private async Task SendAsync(PushSession session, FtmPushSettings settings)
    {
        await Task.Yield();
        var order = session.Order;
        if (!_sessions.IsOpen(session.Id))
        {
            return; // A code arrived in the meantime: no push is needed.
        }
        PushResult result;
        try
        {
            result = await _sender
                .SendAsync(
                    new PushMessage(
                        order.Token.RegistrationId,
                        order.Token.Serial,
                        session.Id.ToString(),
                        settings.CallbackHost,
                        settings.ServerPort,
                        order.User,
                        order.Source,
                        order.Time,
                        order.Expires,
                        order.Token.OsVersion,
                        order.NumberMatch
                    ),
                    _stopping.Token
                )
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        _debug.Write(
            DebugArea.FtmPush,
            $"Push message of {order.User} to {order.Token.Serial}: {(result.Outcome == PushOutcome.Sent ? "sent" : result.Cause)}"
        );
        _counts.Message(result.Outcome);
        Watch(health => health.Record(result, _time.GetUtcNow()));
        if (result.Outcome == PushOutcome.Sent)
        {
            _login.Phones.PushSent(order);
            _events.Write(PushEvents.Sent(order));
            return;
        }
        _events.Write(PushEvents.Failed(order, result.Cause));
        if (result.Outcome == PushOutcome.RegistrationGone)
        {
            await _gone(new RegistrationGone(order.Token.Serial, order.Token.RegistrationId, result.GoneSince ?? _time.GetUtcNow()))
                .ConfigureAwait(false);
        }
        Cancel(order.LoginId);
        await _login.Phones.PushFailedAsync(order.RequestId).ConfigureAwait(false);
    }

    private void Watch(Func<PushHealth, PushAlarm?> change)
    {
        PushAlarm? alarm;
        lock (_lock)
        {
            alarm = change(_health);
            var now = _time.GetUtcNow();
            var wait =
                _health.NextDeadline is not { } next ? Timeout.InfiniteTimeSpan
                : next <= now ? TimeSpan.Zero
                : next - now < WatchMax ? next - now
                : WatchMax;
            _healthTimer.Change(wait, Timeout.InfiniteTimeSpan);
        }
        if (alarm is not null)
        {
            _events.Write(PushEvents.Alarm(alarm));
        }
    }
}
