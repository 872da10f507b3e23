using System.Buffers;
using System.Security.Cryptography;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Phones;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Protocol;

namespace Appliance.Doubles.LastHop;

/// <summary>
/// The phones' side of the last hop: each phone that is online and registered has its own connection to the broker and subscribes to its
/// topic. Checks for changes when notified, and once a second; an unavailable broker is retried.
/// </summary>
internal sealed class MqttPhones : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>The time to wait for a broker's answer before a retry.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly MqttAddress _broker;
    private readonly PhoneFleet _fleet;
    private readonly ILogger _log;
    private readonly Action<Phone, PushMessage> _deliver;
    private readonly Func<Phone, bool> _serves;
    private readonly Dictionary<string, Held> _connected = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _look = new(0);
    private readonly Task _running;
    private int _connectedCount;

    /// <param name="broker">The broker.</param>
    /// <param name="fleet">The phones.</param>
    /// <param name="log">The log for each failed connection and its reason.</param>
    /// <param name="deliver">Handles a push; null delivers to the phone directly.</param>
    /// <param name="serves">Selects the phones that connect; null for all. The others belong to another process.</param>
    public MqttPhones(
        MqttAddress broker,
        PhoneFleet fleet,
        ILogger log,
        Action<Phone, PushMessage>? deliver = null,
        Func<Phone, bool>? serves = null
    )
    {
        _broker = broker;
        _fleet = fleet;
        _log = log;
        _deliver = deliver ?? ((phone, push) => phone.Receive(push));
        _serves = serves ?? (_ => true);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Triggers an immediate check for changes.</summary>
    public void Look()
    {
        if (_look.CurrentCount == 0)
        {
            _look.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        foreach (var serial in _connected.Keys.ToArray())
        {
            await DisconnectAsync(serial);
        }
        _stopping.Dispose();
        _look.Dispose();
    }

    /// <summary>The number of connected phones.</summary>
    internal int ConnectedCount => Volatile.Read(ref _connectedCount);

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await SyncAsync();
                // The broker does not follow the lab's clock, so the wait is in real time.
                using var pause = new CancellationTokenSource(LookEvery, LabClock.Wall);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(pause.Token, _stopping.Token);
                await _look.WaitAsync(either.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                _stopping.Token.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The lab stops.
        }
    }

    private async Task SyncAsync()
    {
        var wanted = _fleet
            .Phones.Where(phone => phone.Online && _serves(phone))
            .Select(phone => (Phone: phone, Topic: PhoneDevices.TopicOf(phone)))
            .Where(pair => pair.Topic is not null)
            .ToDictionary(pair => pair.Phone.Serial, pair => (pair.Phone, Topic: pair.Topic!));
        foreach (var (serial, held) in _connected.ToArray())
        {
            if (
                !wanted.TryGetValue(serial, out var want)
                || want.Phone != held.Phone
                || want.Topic != held.Topic
                || !held.Client.IsConnected
                || held.Missed
            )
            {
                await DisconnectAsync(serial);
            }
        }
        foreach (var (serial, (phone, topic)) in wanted.Where(want => !_connected.ContainsKey(want.Key)))
        {
            await ConnectAsync(serial, phone, topic);
        }
        Volatile.Write(ref _connectedCount, _connected.Count);
    }

    private async Task ConnectAsync(string serial, Phone phone, DeviceTopic topic)
    {
        var factory = new MqttClientFactory();
        var client = factory.CreateMqttClient();
        var held = new Held(phone, topic, client);
        client.ApplicationMessageReceivedAsync += received =>
        {
            if (!phone.Online)
            {
                held.Missed = true;
                Look();
            }
            else if (PushPayload.Read(received.ApplicationMessage.Payload.ToArray()) is { } message && message.TokenSerial == phone.Serial)
            {
                _deliver(phone, message);
            }
            return Task.CompletedTask;
        };
        using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stopping.Token);
        try
        {
            await MqttConnecting.ConnectAsync(
                client,
                _broker,
                $"{DeviceRoutes.PhonePrefix}{serial}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}",
                either.Token
            );
            var subscription = factory
                .CreateSubscribeOptionsBuilder()
                .WithTopicFilter(filter =>
                    filter.WithTopic(topic.ToString()).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                )
                .Build();
            await client.SubscribeAsync(subscription, either.Token);
            // The embedded broker reads its retained messages before it adds the subscription, so a push between the two steps is
            // missed. The second subscription finds it among the retained ones. A phone displays a push once, however often it arrives.
            await client.SubscribeAsync(subscription, either.Token);
            _connected.Add(serial, held);
        }
        catch (Exception failure) when (failure is MqttCommunicationException or OperationCanceledException)
        {
            client.Dispose();
            _stopping.Token.ThrowIfCancellationRequested();
            _log.LogWarning("phone {Serial}: {Broker}: {Failure}", serial, _broker, MqttConnecting.Why(failure));
        }
    }

    private async Task DisconnectAsync(string serial)
    {
        _connected.Remove(serial, out var held);
        try
        {
            await held!.Client.DisconnectAsync();
        }
        catch (MqttCommunicationException)
        {
            // The connection was already closed.
        }
        held!.Client.Dispose();
    }

    /// <summary>A phone's connection.</summary>
    private sealed record Held(Phone Phone, DeviceTopic Topic, IMqttClient Client)
    {
        private volatile bool _missed;

        /// <summary>
        /// True after a push arrived between the phone's going offline and the end of its connection. The newest push is delivered with the
        /// next connection.
        /// </summary>
        internal bool Missed
        {
            get => _missed;
            set => _missed = value;
        }
    }
}
