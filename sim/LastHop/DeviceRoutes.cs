using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Appliance.Sim.LastHop;

/// <summary>
/// Which of the lab's phones listens on which topic, so that the broker need not ask every session about every push: that is a lock and a list for each, and with a thousand
/// phones most of a push's way. What is not of a phone alone is the engine's own business: a topic that no phone listens on, and every topic while anybody else listens on any.
/// </summary>
internal sealed class DeviceRoutes
{
    /// <summary>What the name of a phone's session begins with. Random words behind it: none is ever taken over.</summary>
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

    /// <summary>A session that listens, with the quality that it was granted.</summary>
    private sealed record Route(string SessionId, MqttSessionStatus Session, MqttQualityOfServiceLevel Quality);

    private static Task Told(Action change)
    {
        change();
        return Task.CompletedTask;
    }

    /// <summary>Before a subscription is acknowledged, and when the engine has it already: a push meanwhile goes its way.</summary>
    private async Task AddAsync(string id, MqttTopicFilter filter)
    {
        if (!id.StartsWith(PhonePrefix, StringComparison.Ordinal) || !filter.Topic.StartsWith(DeviceTopic.Root, StringComparison.Ordinal) || filter.Topic.AsSpan().ContainsAny('+', '#'))
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
            return; // It went away at once.
        }
        lock (_lock)
        {
            var route = new Route(id, session, filter.QualityOfServiceLevel);
            _byTopic[filter.Topic] = [.. RoutesOf(filter.Topic).Where(known => known.SessionId != id), route];
            _topicsOf[id] = _topicsOf.GetValueOrDefault(id, []).Add(filter.Topic);
        }
        if (await SessionAsync(id) is null)
        {
            Remove(id); // It ended before it was written down: nobody tells of that again.
        }
    }

    /// <summary>Null for a session that has ended.</summary>
    private async Task<MqttSessionStatus?> SessionAsync(string id)
    {
        try
        {
            return await _server.GetSessionAsync(id);
        }
        catch (InvalidOperationException)
        {
            return null; // MQTTnet's word for one that it does not know.
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
        // Its bytes are the connection's, which reads the next one into them.
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
                // It has just ended. What is kept waits for the phone's next one.
            }
        }
        publish.ProcessPublish = false;
    }

    private static MqttApplicationMessage Copy(MqttApplicationMessage message, byte[] payload, MqttQualityOfServiceLevel quality, bool retain) => new()
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
}
