using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Ftm;

/// <summary>Sends pushes for the login core and brings the phones' answers back to it.</summary>
public sealed class PushService(LoginService login, IPushSender sender, EventLog events, TimeProvider time) : IPushGateway, IPushAnswers, IConfigSubscriber, IAsyncDisposable
{
    private readonly PushSessions _sessions = new();
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private volatile FtmPushSettings _settings = new(false, "", 0);

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
        PushSession session;
        lock (_lock)
        {
            session = _sessions.Open(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), order);
        }
        // Not awaited: a slow way to the phones must not hold up the login, in which a code may still be typed.
        _ = SendAsync(session, settings);
    }

    /// <inheritdoc/>
    public void Cancel(string requestId)
    {
        lock (_lock)
        {
            _sessions.Cancel(requestId);
        }
    }

    /// <inheritdoc/>
    public async Task<bool> ApproveAsync(string sessionId, string code)
    {
        PushSession? session;
        int wrongAnswers;
        lock (_lock)
        {
            wrongAnswers = _sessions.WrongAnswers(sessionId);
            session = _sessions.Take(sessionId, time.GetUtcNow());
        }
        if (session is null)
        {
            return false;
        }
        if (await login.PushApprovedAsync(session.Order.RequestId, code).ConfigureAwait(false))
        {
            return true;
        }
        lock (_lock)
        {
            _sessions.PutBack(session, wrongAnswers + 1);
        }
        return false;
    }

    /// <inheritdoc/>
    public async Task<bool> AlertAsync(string sessionId, string message, byte[] hmac)
    {
        PushSession? session;
        int wrongAnswers;
        lock (_lock)
        {
            wrongAnswers = _sessions.WrongAnswers(sessionId);
            session = _sessions.Take(sessionId, time.GetUtcNow());
        }
        if (session is null)
        {
            return false;
        }
        if (!PushSessions.IsGenuineAlert(session.Order.Token.Seed!.AlertKey(), sessionId, message, hmac))
        {
            lock (_lock)
            {
                _sessions.PutBack(session, wrongAnswers + 1);
            }
            return false;
        }
        return await login.PushDeniedAsync(session.Order.RequestId).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task SendAsync(PushSession session, FtmPushSettings settings)
    {
        await Task.Yield();
        var order = session.Order;
        string? failure;
        try
        {
            failure = await sender.SendAsync(new PushMessage(
                order.Token.RegistrationId, order.Token.Serial, session.Id, settings.CallbackHost, settings.ServerPort,
                order.User, order.Source, order.Time, order.Expires), _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        // The text of msg is *assumed*: no sample of these two lines is public.
        if (failure is null)
        {
            events.Write(new EventEntry("0100032160", "system", EventLevel.Notice, "FortiToken mobile push message succeeded", ("msg", $"Push message to {order.Token.Serial} of user {order.User} was sent")));
            return;
        }
        events.Write(new EventEntry("0100032161", "system", EventLevel.Alert, "FortiToken mobile push message failed", ("msg", $"Push message to {order.Token.Serial} of user {order.User} failed: {failure}")));
        Cancel(order.RequestId);
        await login.PushFailedAsync(order.RequestId).ConfigureAwait(false);
    }
}
