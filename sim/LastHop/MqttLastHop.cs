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
internal sealed class MqttLastHop(MqttAddress broker, TimeProvider time, ILogger log) : ILastHop, IAsyncDisposable
{
    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly SemaphoreSlim _connecting = new(1);

    public async ValueTask<bool> DeliverAsync(Notification notification)
    {
        var now = time.GetUtcNow();
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
            return result.IsSuccess;
        }
        catch (Exception failure) when (failure is MqttCommunicationException or OperationCanceledException)
        {
            log.LogWarning("last hop: {Broker}: {Failure}", broker, failure.InnerException?.Message ?? failure.Message);
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
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
    }

    private async Task ConnectAsync()
    {
        await _connecting.WaitAsync();
        try
        {
            if (!_client.IsConnected)
            {
                await _client.ConnectAsync(broker.For("provider-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8))));
            }
        }
        finally
        {
            _connecting.Release();
        }
    }
}
