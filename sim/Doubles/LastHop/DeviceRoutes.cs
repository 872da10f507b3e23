using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Appliance.Doubles.LastHop;

/// <summary>
/// The topics of the lab's phones. They save the broker a query of every session for every push, which takes a lock and a list each and
/// with a thousand phones most of a push's time. The engine handles the rest: topics that no phone subscribes to, and all topics while any
/// other client has a subscription.
/// </summary>
internal sealed class DeviceRoutes
{
    /// <summary>The prefix of the name of a phone's session. A random suffix follows, so no session is ever taken over.</summary>
    public const string PhonePrefix = "phone-";

    private readonly MqttServer _server;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, ImmutableArray<Route>> _byTopic = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ImmutableHashSet<string>> _topicsOf = new(StringComparer.Ordinal);
    private readonly HashSet<string> _others = new(StringComparer.Ordinal);
    private volatile bool _othersListen;

    /// <summary>Follows a server that has not started yet.</summary>
    public DeviceRoutes(MqttServer server)
    {
        _server = server;
        server.ClientSubscribedTopicAsync += subscribed => AddAsync(subscribed.ClientId, subscribed.TopicFilter);
        server.ClientUnsubscribedTopicAsync += left => Told(() => Remove(left.ClientId, left.TopicFilter));
        server.SessionDeletedAsync += ended => Told(() => Remove(ended.Id));
        server.InterceptingPublishAsync += RouteAsync;
    }

    private static Task Told(Action change)
    {
        change();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Adds a subscription before it is acknowledged, when the engine already has it, so that a push meanwhile is delivered.
    /// </summary>
    private async Task AddAsync(string id, MqttTopicFilter filter)
    {
        if (
            !id.StartsWith(PhonePrefix, StringComparison.Ordinal)
            || !filter.Topic.StartsWith(DeviceTopic.Root, StringComparison.Ordinal)
            || filter.Topic.AsSpan().ContainsAny('+', '#')
        )
        {
            lock (_lock)
            {
                _others.Add(id);
                _othersListen = true;
            }
            if (await SessionAsync(id) is null)
            {
                Remove(id);
            }
            return;
        }
        if (await SessionAsync(id) is not { } session)
        {
            return; // It disconnected immediately.
        }
        lock (_lock)
        {
            var route = new Route(id, session, filter.QualityOfServiceLevel);
            _byTopic[filter.Topic] = [.. RoutesOf(filter.Topic).Where(known => known.SessionId != id), route];
            _topicsOf[id] = _topicsOf.GetValueOrDefault(id, []).Add(filter.Topic);
        }
        if (await SessionAsync(id) is null)
        {
            Remove(id); // It ended before it was recorded, and no further event reports that.
        }
    }

    /// <summary>Returns a session; null if it has ended.</summary>
    private async Task<MqttSessionStatus?> SessionAsync(string id)
    {
        try
        {
            return await _server.GetSessionAsync(id);
        }
        catch (InvalidOperationException)
        {
            return null; // MQTTnet throws for a session that it does not have.
        }
    }

    private void Remove(string id)
    {
        lock (_lock)
        {
            foreach (var topic in _topicsOf.GetValueOrDefault(id, []))
            {
                Remove(id, topic);
            }
            _topicsOf.Remove(id);
            _others.Remove(id);
            _othersListen = _others.Count > 0;
        }
    }

    private void Remove(string id, string topic)
    {
        lock (_lock)
        {
            var left = RoutesOf(topic).RemoveAll(route => route.SessionId == id);
            if (left.IsEmpty)
            {
                _byTopic.TryRemove(topic, out _);
            }
            else
            {
                _byTopic[topic] = left;
            }
        }
    }

    private ImmutableArray<Route> RoutesOf(string topic) => _byTopic.GetValueOrDefault(topic, []);

    private async Task RouteAsync(InterceptingPublishEventArgs publish)
    {
        var message = publish.ApplicationMessage;
        if (_othersListen || RoutesOf(message.Topic) is not { IsEmpty: false } routes)
        {
            return;
        }
        // The payload is in the connection's buffer, which the next packet overwrites.
        var payload = message.Payload.ToArray();
        if (message.Retain)
        {
            await _server.UpdateRetainedMessageAsync(Copy(message, payload, message.QualityOfServiceLevel, retain: true));
        }
        foreach (var route in routes)
        {
            var quality = route.Quality < message.QualityOfServiceLevel ? route.Quality : message.QualityOfServiceLevel;
            try
            {
                route.Session.TryEnqueueApplicationMessage(Copy(message, payload, quality, retain: false), out _);
            }
            catch (ObjectDisposedException)
            {
                // The session has just ended. The retained message is delivered to the phone's next one.
            }
        }
        publish.ProcessPublish = false;
    }

    private static MqttApplicationMessage Copy(
        MqttApplicationMessage message,
        byte[] payload,
        MqttQualityOfServiceLevel quality,
        bool retain
    ) =>
        new()
        {
            Topic = message.Topic,
            Payload = new ReadOnlySequence<byte>(payload),
            ContentType = message.ContentType,
            CorrelationData = message.CorrelationData?.ToArray(),
            MessageExpiryInterval = message.MessageExpiryInterval,
            PayloadFormatIndicator = message.PayloadFormatIndicator,
            QualityOfServiceLevel = quality,
            ResponseTopic = message.ResponseTopic,
            Retain = retain,
            UserProperties = message.UserProperties?.ToList(),
        };

    /// <summary>A subscribed session, with its granted quality of service.</summary>
    private sealed record Route(string SessionId, MqttSessionStatus Session, MqttQualityOfServiceLevel Quality);
}
