using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Phones;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MQTTnet;
using MQTTnet.Protocol;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>Not in parallel with other tests: MQTT clients give up if a busy machine does not let them answer in time.</summary>
[CollectionDefinition(nameof(LastHopAlone), DisableParallelization = true)]
public sealed class LastHopAlone;

/// <summary>From the provider to the phone over MQTT: the lab's own broker, and mosquitto.</summary>
[Trait("Peer", "mosquitto")]
[Collection(nameof(LastHopAlone))]
public sealed class LastHopTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1111111109);
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new FakeTimeProvider(Now));
    private readonly FakeUnit _unit = new(CallbackServer.MakeCa(Now));
    private readonly PhoneFleet _fleet;
    private MqttBroker? _own;

    public LastHopTests()
    {
        _fleet = new PhoneFleet(_clock, NullLogger.Instance);
        _fleet.Attach(_unit);
    }

    public async ValueTask InitializeAsync() => _own = await MqttBroker.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _own!.DisposeAsync();
        _fleet.Dispose();
        _clock.Dispose();
    }

    [Theory]
    [InlineData("127.0.0.1:1883", "127.0.0.1", 1883, null, null, false)]
    [InlineData("[::1]:8883,tls", "::1", 8883, null, null, true)]
    [InlineData("broker.lab:1883,user=u,password=p=q", "broker.lab", 1883, "u", "p=q", false)]
    public void AnAddressIsReadAsPublished(string text, string host, int port, string? user, string? password, bool tls) =>
        Assert.Equal(new MqttAddress(host, port, user, password, tls), MqttAddress.Parse(text));

    [Theory]
    [InlineData("", "HOST:PORT")]
    [InlineData("broker", "HOST:PORT")]
    [InlineData("broker:0", "HOST:PORT")]
    [InlineData("broker:70000", "HOST:PORT")]
    [InlineData("broker:1883,colour=red", "colour")]
    [InlineData("broker:1883,tls=yes", "tls")]
    [InlineData("broker:1883,password=secret-word", "password requires user")]
    public void ABadAddressIsNamed(string text, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => MqttAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task APhoneThatIsOnGetsAPushAndOneThatComesBackGetsTheNewestThatIsStillGood(bool mosquitto, bool tls)
    {
        await using var peer = mosquitto ? await Mosquitto.StartAsync(tls) : null;
        var broker = peer?.Address ?? _own!.Address;
        await using var hop = new MqttLastHop(broker, _clock, NullLogger.Instance);
        await using var phones = new MqttPhones(broker, _fleet, NullLogger.Instance);
        _fleet.OnlineChanged += phones.Look;
        Assert.True(await hop.DeliverAsync(Push("aa")));
        await Until.TrueAsync(() => Sessions() is ["aa"], "the push on the phone");
        // The push may arrive before the connection is registered. Only a registered connection reports by its end that the phone is off.
        await Until.TrueAsync(() => phones.ConnectedCount == 1, "the phone on");

        Ann.Change(new PhoneChange(Online: false));
        await Until.TrueAsync(() => phones.ConnectedCount == 0, "the phone off");
        Assert.True(await hop.DeliverAsync(Push("bb")));
        Assert.True(await hop.DeliverAsync(Push("cc")));
        Ann.Change(new PhoneChange(Online: true));
        await Until.TrueAsync(() => Sessions() is ["aa", "cc"], "the newest push");
        await Until.TrueAsync(() => phones.ConnectedCount == 1, "the phone on again");

        // The retained push has expired: it may arrive, and is not displayed.
        Ann.Change(new PhoneChange(Online: false));
        await Until.TrueAsync(() => phones.ConnectedCount == 0, "the phone off");
        Assert.True(await hop.DeliverAsync(Push("dd")));
        _clock.Advance(TimeSpan.FromSeconds(60));
        Ann.Change(new PhoneChange(Online: true));
        await Until.TrueAsync(() => phones.ConnectedCount == 1, "the phone on");
        Assert.True(await hop.DeliverAsync(Push("ee")));
        await Until.TrueAsync(() => Sessions() is ["ee"], "a push after it");
    }

    [Fact]
    public async Task APhoneThatWentOffShowsNothingThatStillComesByItsOldConnection()
    {
        await using var hop = new MqttLastHop(_own!.Address, _clock, NullLogger.Instance);
        // They get no notification that a phone went off: its connection is still there.
        await using var phones = new MqttPhones(_own.Address, _fleet, NullLogger.Instance);
        Assert.True(await hop.DeliverAsync(Push("aa")));
        await Until.TrueAsync(() => Sessions() is ["aa"] && phones.ConnectedCount == 1, "the phone on, with its push");
        Ann.Change(new PhoneChange(Online: false));
        Assert.True(await hop.DeliverAsync(Push("bb")));
        await Until.TrueAsync(() => phones.ConnectedCount == 0, "the phone off");
        Assert.True(await hop.DeliverAsync(Push("cc")));
        Ann.Change(new PhoneChange(Online: true));
        phones.Look();
        await Until.TrueAsync(() => Sessions() is ["aa", "cc"], "the newest push alone");
    }

    [Fact]
    public async Task APushThatIsNotToBeKeptIsNot()
    {
        await using var hop = new MqttLastHop(_own!.Address, _clock, NullLogger.Instance);
        Assert.True(await hop.DeliverAsync(Push("aa") with { Expires = null }));
        Assert.True(await hop.DeliverAsync(Push("bb")));
        await using var phones = new MqttPhones(_own.Address, _fleet, NullLogger.Instance);
        await Until.TrueAsync(() => Sessions() is ["bb"], "the push that is kept");
    }

    [Fact]
    public async Task WhoeverElseListensHearsEveryPushAndTakesNoneFromThePhone()
    {
        await using var hop = new MqttLastHop(_own!.Address, _clock, NullLogger.Instance);
        await using var phones = new MqttPhones(_own.Address, _fleet, NullLogger.Instance);
        await Until.TrueAsync(() => phones.ConnectedCount == 1, "the phone on");
        Assert.True(await hop.DeliverAsync(Push("aa")));
        await Until.TrueAsync(() => Sessions() is ["aa"], "a push with nobody else");

        var heard = new ConcurrentQueue<string>();
        // Two that look on: one at everything, the other one by a name like a phone's.
        using (var everything = await ListenAsync("trainer", "#", heard))
        using (var alike = await ListenAsync(DeviceRoutes.PhonePrefix + "trainer", DeviceTopic.Root + "+/+", heard))
        {
            await Until.TrueAsync(() => heard.Count == 2, "what is kept, on both");
            Assert.True(await hop.DeliverAsync(Push("bb")));
            await Until.TrueAsync(() => Sessions() is ["aa", "bb"] && heard.Count == 4, "the push on all three");
            await everything.DisconnectAsync();
            Assert.True(await hop.DeliverAsync(Push("cc")));
            await Until.TrueAsync(() => Sessions() is ["aa", "bb", "cc"] && heard.Count == 5, "the push on both");
            await alike.DisconnectAsync();
        }
        Assert.True(await hop.DeliverAsync(Push("dd")));
        await Until.TrueAsync(() => Sessions() is ["aa", "bb", "cc", "dd"], "a push with nobody else again");
        Assert.Equal(5, heard.Count);
        Assert.Single(heard.Distinct());
    }

    [Fact]
    public async Task APushReachesThePhoneOfItsTopicAndNoOther()
    {
        await using var hop = new MqttLastHop(_own!.Address, _clock, NullLogger.Instance);
        var heard = new ConcurrentQueue<string>();
        var topic = new DeviceTopic("apns", DeviceTokens.Of("ios", "reg-ann")).ToString();
        using var first = await ListenAsync(DeviceRoutes.PhonePrefix + "1", topic, heard);
        using var second = await ListenAsync(DeviceRoutes.PhonePrefix + "2", topic, heard);
        using var other = await ListenAsync(
            DeviceRoutes.PhonePrefix + "3",
            new DeviceTopic("apns", DeviceTokens.Of("ios", "reg-bob")).ToString(),
            heard
        );
        Assert.True(await hop.DeliverAsync(Push("aa")));
        await Until.TrueAsync(() => heard.Count == 2, "the push on both of one topic");
        Assert.True(await hop.DeliverAsync(Push("bb") with { DeviceToken = DeviceTokens.Of("ios", "reg-bob") }));
        await Until.TrueAsync(() => heard.Count == 3, "the push of the other topic");
        // One that leaves its topic, one that ends: the third is alone.
        await first.UnsubscribeAsync(topic, TestContext.Current.CancellationToken);
        await second.DisconnectAsync();
        Assert.True(await hop.DeliverAsync(Push("cc")));
        Assert.True(await hop.DeliverAsync(Push("dd") with { DeviceToken = DeviceTokens.Of("ios", "reg-bob") }));
        await Until.TrueAsync(() => heard.Count == 4, "the push of the other topic");
        Assert.Equal(2, heard.Count(of => of == topic));
    }

    [Fact]
    public async Task ABrokerThatIsAwayIsToldAndComesBack()
    {
        var port = ((IPEndPoint)Reserve().LocalEndpoint).Port;
        await using var hop = new MqttLastHop(new MqttAddress("127.0.0.1", port), _clock, NullLogger.Instance);
        Assert.False(await hop.DeliverAsync(Push("aa")));
        await using var phones = new MqttPhones(_own!.Address, _fleet, NullLogger.Instance);
        await Until.TrueAsync(() => phones.ConnectedCount == 1, "the phone on");
    }

    [Fact]
    public async Task ABrokerThatAnotherAuthorityVouchesForGetsNoPush()
    {
        await using var peer = await Mosquitto.StartAsync(tls: true);
        // It is not issued by the system's trust store.
        await using var hop = new MqttLastHop(peer.Address with { Ca = null, Authority = null }, _clock, NullLogger.Instance);
        Assert.False(await hop.DeliverAsync(Push("aa")));
        var name = peer.Address with { Host = "localhost" };
        await using var misnamed = new MqttLastHop(name, _clock, NullLogger.Instance);
        Assert.False(await misnamed.DeliverAsync(Push("aa")));
    }

    [Fact]
    public void AnAuthorityThatIsNoneIsNamedBeforeAnythingStarts()
    {
        var file = Path.GetTempFileName();
        try
        {
            Assert.StartsWith(
                "ca: ",
                Assert.Throws<FormatException>(() => MqttAddress.Parse("broker:1,ca=" + file).WithAuthority()).Message,
                StringComparison.Ordinal
            );
        }
        finally
        {
            File.Delete(file);
        }
        Assert.StartsWith(
            "ca: ",
            Assert.Throws<FormatException>(() => MqttAddress.Parse("broker:1,ca=/nowhere/ca.pem").WithAuthority()).Message,
            StringComparison.Ordinal
        );
    }

    private Phone Ann => _fleet.Find(FakeUnit.AnnSerial)!;

    /// <summary>Connects a listener that records the topic of every message.</summary>
    private async Task<IMqttClient> ListenAsync(string id, string filter, ConcurrentQueue<string> heard)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        client.ApplicationMessageReceivedAsync += received =>
        {
            heard.Enqueue(received.ApplicationMessage.Topic);
            return Task.CompletedTask;
        };
        await client.ConnectAsync(_own!.Address.For(id), TestContext.Current.CancellationToken);
        await client.SubscribeAsync(filter, MqttQualityOfServiceLevel.AtLeastOnce, TestContext.Current.CancellationToken);
        return client;
    }

    private static TcpListener Reserve()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private string[] Sessions() => [.. Ann.View().Pending.Select(push => push.Session)];

    private Notification Push(string session)
    {
        var now = _clock.GetUtcNow();
        var push = new Appliance.Firmware.Ftm.PushProxyRequest(
            "FGT",
            "reg-ann",
            "ios",
            session,
            "127.0.0.1",
            4433,
            FakeUnit.AnnSerial,
            "ann",
            "127.0.0.9",
            now.ToUnixTimeSeconds(),
            now.AddSeconds(60).ToUnixTimeSeconds()
        );
        return new Notification("apns", DeviceTokens.Of("ios", "reg-ann"), PushPayload.Apns(push), now.AddSeconds(60), session);
    }
}
