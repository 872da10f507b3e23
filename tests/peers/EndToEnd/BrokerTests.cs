using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Providers;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;
using Appliance.Tool;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Server;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The broker between providers and phones, as an operator meets it.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class BrokerTests
{
    [Fact]
    public async Task A_client_without_an_id_gets_one()
    {
        await using var broker = await MqttBroker.StartAsync();
        using var first = new MqttClientFactory().CreateMqttClient();
        using var second = new MqttClientFactory().CreateMqttClient();
        var options = new MqttClientOptionsBuilder()
            .WithTcpServer(broker.Address.Host, broker.Address.Port)
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId("")
            .WithCleanStart()
            .Build();
        var (one, other) = (await first.ConnectAsync(options), await second.ConnectAsync(options));
        Assert.Equal((MqttClientConnectResultCode.Success, MqttClientConnectResultCode.Success), (one.ResultCode, other.ResultCode));
        Assert.NotEmpty(one.AssignedClientIdentifier);
        Assert.NotEqual(one.AssignedClientIdentifier, other.AssignedClientIdentifier);
        await first.DisconnectAsync();
        await second.DisconnectAsync();
    }

    [Fact]
    public async Task A_client_beyond_the_limit_is_refused_until_another_leaves()
    {
        Assert.Equal(2000, MqttBroker.ClientsMax);
        await using var broker = await MqttBroker.StartAsync(clientsMax: 2);
        using var first = new MqttClientFactory().CreateMqttClient();
        using var second = new MqttClientFactory().CreateMqttClient();
        using var third = new MqttClientFactory().CreateMqttClient();
        MqttClientOptions Options(string id) =>
            new MqttClientOptionsBuilder()
                .WithTcpServer(broker.Address.Host, broker.Address.Port)
                .WithProtocolVersion(MqttProtocolVersion.V500)
                .WithClientId(id)
                .Build();
        await first.ConnectAsync(Options("1"));
        await second.ConnectAsync(Options("2"));
        var refused = await third.ConnectAsync(Options("3"));
        Assert.Equal(MqttClientConnectResultCode.QuotaExceeded, refused.ResultCode);
        await first.DisconnectAsync();
        await Until.TrueAsync(
            async () => (await third.ConnectAsync(Options("3"))).ResultCode == MqttClientConnectResultCode.Success,
            "the place of the client that left"
        );
        await second.DisconnectAsync();
        await third.DisconnectAsync();
    }

    [Fact]
    public async Task A_push_that_no_phone_of_the_broker_receives_is_a_line_of_the_log()
    {
        await using var broker = await MqttBroker.StartAsync();
        var log = new Lines();
        using var logs = new LogOf(log);
        await using var lab = await TestLab.StartAsync(logs: logs, push: new PushOptions(Broker: broker.Address, LabPhones: false));
        using var web = new Web(lab);
        var login = await PushLogin.BeginAsync(lab, web);
        var topic = new DeviceTopic("apns", DeviceTokens.Of("ios", "lab-phone-of-ann"));
        var place = $"{topic} at 127.0.0.1:{broker.Address.Port}";
        var expected = $"last hop: no phone subscribes to {place}; the push is lost unless its phone reconnects in time";
        await Until.TrueAsync(() => log.Texts.Contains(expected), "the line of the lost push");
        await lab.AdvanceAsync(60);
        Assert.DoesNotContain("ret=1", await login, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_refuses_is_named_with_its_reason_before_any_push_and_again()
    {
        var port = FreePort();
        using var server = new MqttServerFactory().CreateMqttServer(
            new MqttServerOptionsBuilder()
                .WithDefaultEndpoint()
                .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
                .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
                .WithDefaultEndpointPort(port)
                .Build()
        );
        server.ValidatingConnectionAsync += asked =>
        {
            asked.ReasonCode = MQTTnet.Protocol.MqttConnectReasonCode.BadUserNameOrPassword;
            return Task.CompletedTask;
        };
        await server.StartAsync();
        var log = new Lines();
        await using (var hop = new MqttLastHop(new MqttAddress("127.0.0.1", port, "ann", "wrong"), LabClock.Wall, log))
        {
            var expected = $"last hop: 127.0.0.1:{port}: the broker refuses the connection: BadUserNameOrPassword (reason code 0x86)";
            await Until.TrueAsync(() => log.Texts.Contains(expected), "the reason at the start");
            var before = log.Texts.Count(text => text == expected);
            Assert.False(await hop.DeliverAsync(new Notification("apns", new string('a', 64), "{}"u8.ToArray(), null, null)));
            Assert.True(log.Texts.Count(text => text == expected) > before);
            Assert.DoesNotContain(log.Texts, text => text.Contains("wrong", StringComparison.Ordinal));
        }
        await server.StopAsync();
    }

    [Fact]
    public async Task The_ready_line_has_the_broker_and_where_phones_of_the_network_come_in()
    {
        await using var direct = await TestLab.StartAsync();
        Assert.Null(direct.Laboratory.Ready.Mqtt);
        Assert.Null(direct.Laboratory.Ready.LabListen);
        await using var lab = await TestLab.StartAsync(push: new PushOptions(), lan: true);
        var ready = System.Text.Json.JsonSerializer.SerializeToNode(lab.Laboratory.Ready, LabJson.Default.ReadyJson)!;
        Assert.Equal(lab.Laboratory.Broker!.Port, ready["mqtt"]!["port"]!.GetValue<int>());
        Assert.Equal(lab.Lan!.GetLeftPart(UriPartial.Authority), ready["labListen"]!["url"]!.GetValue<string>());
        Assert.Equal(lab.Laboratory.Api.Page.PairingCode, ready["labListen"]!["pairingCode"]!.GetValue<string>());
        Assert.Matches("^[0-9a-f]{64}$", ready["labListen"]!["certificateSha256"]!.GetValue<string>());
        // The code that pairs a phone is shown to the user that started the lab, and not to every caller of its API.
        Assert.Null((await lab.Api.GetFromJsonAsync<JsonObject>("/lab/ready"))!["labListen"]);
    }

    [Fact]
    public async Task With_phones_elsewhere_the_lab_serves_those_of_the_authenticator_and_says_which_are_external()
    {
        await using var broker = await MqttBroker.StartAsync();
        await using var lab = await TestLab.StartAsync(
            push: new PushOptions(Broker: broker.Address, LabPhones: false),
            fac: "code-or-empty"
        );
        Assert.Equal("external", (await lab.PhoneAsync())["mode"]!.GetValue<string>());
        Assert.Equal("manual", (await lab.PhoneAsync(TestLab.DanSerial))["mode"]!.GetValue<string>());
        await lab.PhoneModeAsync(new { mode = "approve" }, TestLab.DanSerial);
        Assert.True((await lab.OpenfortivpnAsync("dan", "dan-password")).Authenticated);
    }

    [Fact]
    public async Task A_process_of_phones_that_has_none_to_serve_says_how_many_there_are()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await Peer.RunAsync(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll"),
                "phones",
                "--mqtt",
                "127.0.0.1:1",
                "--state",
                lab.State,
                "--skip",
                "1",
            ]
        );
        Assert.Equal(69, run.ExitCode);
        Assert.Contains("1 phone is registered for push, not 2", run.Output, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class LogOf(ILogger log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose() { }
    }

    private sealed class Lines : ILogger
    {
        public ConcurrentQueue<string> Texts { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Texts.Enqueue(formatter(state, exception));
    }
}
