using Appliance.Doubles.Clock;
using Appliance.Doubles.Providers;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Protocol;

namespace Appliance.Doubles.LastHop;

/// <summary>
/// The providers' side of the last hop: one retained message for each phone. A phone that reconnects gets the newest message and no
/// other, until it expires (MQTT 5 message expiry).
/// </summary>
internal sealed class MqttLastHop : ILastHop, IAsyncDisposable
{
    /// <summary>The time after which an unavailable or refusing broker is retried; each push also retries it.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly SemaphoreSlim _connecting = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly MqttAddress _broker;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Task _keeping;

    /// <summary>
    /// Connects immediately, and again after each lost connection; each failure is logged with the broker and its reason.
    /// </summary>
    public MqttLastHop(MqttAddress broker, TimeProvider time, ILogger log)
    {
        _broker = broker;
        _time = time;
        _log = log;
        _keeping = Task.Run(KeepConnectedAsync);
    }

    public async ValueTask<bool> DeliverAsync(Notification notification)
    {
        var now = _time.GetUtcNow();
        var life = notification.Expires is { } expires ? (expires - now).TotalSeconds : 0;
        var message = new MqttApplicationMessageBuilder()
            .WithTopic(new DeviceTopic(notification.Provider, notification.DeviceToken).ToString())
            .WithPayload(notification.Payload.ToArray())
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithContentType("application/json");
        if (life > 0)
        {
            // A message that is not to be retained (apns-expiration 0, ttl 0s) reaches the current subscribers only.
            message = message.WithRetainFlag().WithMessageExpiryInterval((uint)Math.Ceiling(life));
        }
        try
        {
            await ConnectAsync();
            var result = await _client.PublishAsync(message.Build());
            if (result.ReasonCode == MqttClientPublishReasonCode.NoMatchingSubscribers)
            {
                _log.LogWarning(
                    "last hop: no phone subscribes to {Topic} at {Broker}; the push is lost unless its phone reconnects in time",
                    new DeviceTopic(notification.Provider, notification.DeviceToken),
                    _broker
                );
            }
            return result.IsSuccess;
        }
        catch (Exception failure) when (failure is MqttCommunicationException or OperationCanceledException)
        {
            Report(failure);
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _keeping;
        try
        {
            await _client.DisconnectAsync();
        }
        catch (MqttCommunicationException)
        {
            // The connection was already closed.
        }
        _client.Dispose();
        _connecting.Dispose();
        _stopping.Dispose();
    }

    private async Task KeepConnectedAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await ConnectAsync();
            }
            catch (Exception failure) when (failure is MqttCommunicationException or OperationCanceledException)
            {
                if (!_stopping.IsCancellationRequested)
                {
                    Report(failure);
                }
            }
            // The broker does not follow the lab's clock, so the wait is in real time.
            await Task.Delay(RetryAfter, LabClock.Wall, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Report(Exception failure) => _log.LogWarning("last hop: {Broker}: {Failure}", _broker, MqttConnecting.Why(failure));

    private async Task ConnectAsync()
    {
        await _connecting.WaitAsync(_stopping.Token);
        try
        {
            if (!_client.IsConnected)
            {
                await MqttConnecting.ConnectAsync(
                    _client,
                    _broker,
                    "provider-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)),
                    _stopping.Token
                );
            }
        }
        finally
        {
            _connecting.Release();
        }
    }
}
