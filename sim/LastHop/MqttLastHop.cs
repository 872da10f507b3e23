using Appliance.Sim.Clock;
using Appliance.Sim.Providers;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Protocol;

namespace Appliance.Sim.LastHop;

/// <summary>
/// The providers' side of the last hop: one retained message a phone, so that a phone that comes back gets the newest one and no
/// other, for as long as it is good (MQTT 5 message expiry).
/// </summary>
internal sealed class MqttLastHop : ILastHop, IAsyncDisposable
{
    /// <summary>A broker that is away, or refuses, is tried again after this time, and with each push.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly SemaphoreSlim _connecting = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly MqttAddress _broker;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Task _keeping;

    /// <summary>Connects at once, and again whenever the connection is lost; each failure is logged with the broker and its reason.</summary>
    public MqttLastHop(MqttAddress broker, TimeProvider time, ILogger log)
    {
        (_broker, _time, _log) = (broker, time, log);
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
            // What is not to be kept (apns-expiration 0, ttl 0s) reaches those who listen now.
            message = message.WithRetainFlag().WithMessageExpiryInterval((uint)Math.Ceiling(life));
        }
        try
        {
            await ConnectAsync();
            var result = await _client.PublishAsync(message.Build());
            if (result.ReasonCode == MqttClientPublishReasonCode.NoMatchingSubscribers)
            {
                _log.LogWarning("last hop: no phone listens on {Topic} at {Broker}: the push is lost unless its phone comes back in time", new DeviceTopic(notification.Provider, notification.DeviceToken), _broker);
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
            // It was gone already.
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
            // The broker is outside the lab's clock: real time.
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
                await MqttConnecting.ConnectAsync(_client, _broker, "provider-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)), _stopping.Token);
            }
        }
        finally
        {
            _connecting.Release();
        }
    }
}
