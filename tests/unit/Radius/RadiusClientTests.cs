using System.Collections.Concurrent;
using System.Net;
using Appliance.Doubles.Nics;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Hal;
using Appliance.Tests.EndToEnd;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The client's shell: ports, clock and waiters, over interfaces in memory and a clock that the test moves.</summary>
public sealed class RadiusClientTests : IAsyncDisposable
{
    private static readonly RadiusSecret Secret = new("one");
    private static readonly IPEndPoint Primary = IPEndPoint.Parse("10.0.0.10:1812");
    private static readonly IPEndPoint Secondary = IPEndPoint.Parse("10.0.0.11:1812");
    private static readonly IPEndPoint Tertiary = IPEndPoint.Parse("10.0.0.12:1812");
    private readonly SimNetwork _network = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2033, 2, 3, 4, 5, 0, TimeSpan.Zero));
    private readonly SimNic _port1;
    private readonly SimNic _port2;
    private readonly RadiusClient _client;

    public RadiusClientTests()
    {
        (_port1, _port2) = (
            new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1")),
            new SimNic(_network, "port2", IPAddress.Parse("10.0.0.2"))
        );
        _client = new RadiusClient([_port1, _port2], _time, new DebugTap());
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Fact]
    public async Task ARepeatedRequestIsTheSameToTheLastByte()
    {
        await using var server = new Server(_network, Primary) { Answers = false };
        var answer = AskAsync(Settings(Primary));
        await server.SeenAsync(1);
        for (var second = 5; second < 20; second += 5)
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            await server.SeenAsync((second / 5) + 1);
        }
        Assert.Single(server.Requests.Select(request => Convert.ToHexString(request.Packet)).Distinct());
        Assert.Single(server.Requests.Select(request => request.From).Distinct());
        server.Answers = true;
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(answer.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<RadiusResult.NoAnswer>(await answer);
        Assert.Equal(4, server.Requests.Count);
    }

    [Fact]
    public async Task TheNextServersAreAskedInTurn()
    {
        await using var first = new Server(_network, Primary) { Answers = false };
        await using var second = new Server(_network, Secondary) { Answers = false };
        await using var third = new Server(_network, Tertiary);
        var answer = AskAsync(Settings(Primary, Secondary, Tertiary));
        await first.SeenAsync(1);
        _time.Advance(TimeSpan.FromSeconds(20));
        await second.SeenAsync(1);
        Assert.Empty(third.Requests);
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(2, Assert.IsType<RadiusResult.Accept>(await answer).Server);
    }

    /// <summary>Documented for 7.4.0: six tries in a row without an answer, then not before <c>status-ttl</c>.</summary>
    [Fact]
    public async Task AnUnreachableServerIsLeftOutForStatusTtl()
    {
        await using var first = new Server(_network, Primary) { Answers = false };
        await using var second = new Server(_network, Secondary);
        var settings = Settings(Primary, Secondary) with { ServerTime = TimeSpan.FromSeconds(10), DeadTime = TimeSpan.FromSeconds(300) };
        for (var login = 1; login <= 3; login++)
        {
            // Two tries each.
            var answer = AskAsync(settings);
            await first.SeenAsync((login * 2) - 1);
            _time.Advance(TimeSpan.FromSeconds(5));
            await first.SeenAsync(login * 2);
            _time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(1, (await InTimeAsync(answer)).Server);
        }
        Assert.Equal(1, (await InTimeAsync(AskAsync(settings))).Server);
        Assert.Equal(6, first.Requests.Count);
        // One second before its time it is still skipped.
        _time.Advance(TimeSpan.FromSeconds(299));
        Assert.Equal(1, (await InTimeAsync(AskAsync(settings))).Server);
        Assert.Equal(6, first.Requests.Count);
        first.Answers = true;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await InTimeAsync(AskAsync(settings))).Server);
        // Without the cache (before 7.4.0) the first server is always queried first.
        Assert.Equal(0, (await InTimeAsync(AskAsync(settings with { DeadTime = TimeSpan.Zero }))).Server);
    }

    [Fact]
    public async Task TheSourceIsWhatIsSet()
    {
        await using var server = new Server(_network, Primary);
        await AskAsync(Settings(Primary));
        await AskAsync(Settings(Primary) with { SourceIp = _port2.Addresses[0] });
        await AskAsync(Settings(Primary) with { Interface = "port2", NasIp = IPAddress.Parse("192.0.2.9") });
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.2"], server.Requests.Select(request => request.From.Address.ToString()));
        Assert.Equal(["10.0.0.1", "10.0.0.2", "192.0.2.9"], server.Requests.Select(request => NasIp(request.Packet)));
        Assert.IsType<RadiusResult.NoAnswer>(await AskAsync(Settings(Primary) with { SourceIp = IPAddress.Parse("192.0.2.1") }));
        Assert.IsType<RadiusResult.NoAnswer>(await AskAsync(Settings(Primary) with { Interface = "port9" }));
    }

    /// <summary>More than the 256 identifiers of one port: further ports are opened, and each reply is matched to its request.</summary>
    [Fact]
    public async Task ManyAreAskedAtOnce()
    {
        const int Many = 600;
        await using var server = new Server(_network, Primary) { Holds = true };
        var answers = Enumerable
            .Range(0, Many)
            .Select(number =>
                _client.AskAsync(
                    Settings(Primary) with
                    {
                        ServerTime = TimeSpan.FromHours(10),
                    },
                    new RadiusQuery($"u{number}", "x", null, "test"),
                    CancellationToken.None
                )
            )
            .ToArray();
        await server.SeenAsync(Many, again: () => _time.Advance(TimeSpan.FromSeconds(5)));
        Assert.Equal(Many, server.Requests.DistinctBy(request => (request.From.Port, request.Packet[1])).Count());
        Assert.InRange(server.Requests.Select(request => request.From.Port).Distinct().Count(), 2, RadiusClientCore.PortsMax);
        await server.ReleaseAsync();
        await Until.TrueAsync(
            () =>
            {
                if (answers.Any(answer => !answer.IsCompleted))
                {
                    // Some are lost in a full queue, as in a network, and are repeated.
                    _time.Advance(TimeSpan.FromSeconds(5));
                }
                return answers.All(answer => answer.IsCompleted);
            },
            "every answer"
        );
        for (var number = 0; number < Many; number++)
        {
            Assert.Equal([$"u{number}"], Assert.IsType<RadiusResult.Accept>(await answers[number]).Groups);
        }
    }

    [Fact]
    public async Task WhoGoesAwayIsToldSoAndTheAnswerIsNobodys()
    {
        await using var server = new Server(_network, Primary) { Holds = true };
        using var away = new CancellationTokenSource();
        var answer = _client.AskAsync(Settings(Primary), new RadiusQuery("bob", "x", null, "test"), away.Token);
        await server.SeenAsync(1);
        await away.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await server.ReleaseAsync();
        await Until.TrueAsync(() => _client.IgnoredFor(RadiusRefusal.NotAsked) == 1, "the answer that nobody wants");
    }

    [Fact]
    public async Task StoppingAnswersWhoeverWaits()
    {
        await using var server = new Server(_network, Primary) { Answers = false };
        var answer = AskAsync(Settings(Primary));
        await server.SeenAsync(1);
        await _client.DisposeAsync();
        Assert.IsType<RadiusResult.NoAnswer>(await answer);
        Assert.IsType<RadiusResult.NoAnswer>(await AskAsync(Settings(Primary)));
    }

    [Theory]
    [InlineData("6.4", "set timeout 7", 7, 5, 0, false)]
    [InlineData("7.2", "", 5, 5, 0, false)]
    [InlineData("7.4", "set status-ttl 60", 5, 5, 60, true)]
    [InlineData("7.6", "set require-message-authenticator disable", 5, 5, 300, false)]
    [InlineData("7.6", "", 5, 5, 300, true)]
    public void SettingsFollowTheRelease(string release, string line, int timeout, int serverTime, int deadTime, bool requires)
    {
        var personality = Personality.Find(release)!;
        var settings = RadiusSettings.From(
            LoginRig.TreeOf($"config user radius\nedit fac\nset server 10.0.0.10\nset secret one\n{line}\nnext\nend\n", personality),
            "fac"
        )!;
        Assert.Equal(
            (timeout, serverTime, deadTime),
            ((int)settings.Timeout.TotalSeconds, (int)settings.ServerTime.TotalSeconds, (int)settings.DeadTime.TotalSeconds)
        );
        // 7.2 and 7.4 as of which patch: the personality's own.
        Assert.Equal(requires, settings.RequireMessageAuthenticator);
    }

    /// <summary>The patches of CVE-2024-3596 refuse a reply without a Message-Authenticator, the patch before does not.</summary>
    [Theory]
    [InlineData("7.0", 16, false)]
    [InlineData("7.2", 9, false)]
    [InlineData("7.2", 10, true)]
    [InlineData("7.4", 4, false)]
    [InlineData("7.4", 5, true)]
    [InlineData("7.6", 0, true)]
    public void A_patch_decides_whether_a_reply_has_to_be_signed(string release, int patch, bool requires)
    {
        var personality = Personality.Find(release)!;
        personality = personality with { Release = new Version(personality.Release.Major, personality.Release.Minor, patch) };
        var config = LoginRig.TreeOf("config user radius\nedit fac\nset server 10.0.0.10\nset secret one\nnext\nend\n", personality);
        Assert.Equal(requires, RadiusSettings.From(config, "fac")!.RequireMessageAuthenticator);
    }

    private Task<RadiusResult> AskAsync(RadiusSettings settings) =>
        _client.AskAsync(settings, new RadiusQuery("bob", "bob-password", null, "test"), CancellationToken.None);

    private static RadiusSettings Settings(params IPEndPoint[] servers) =>
        new("fac", [.. servers.Select(server => new RadiusTarget(server, Secret))], [RadiusScheme.Pap])
        {
            ServerTime = TimeSpan.FromSeconds(20),
        };

    private static string NasIp(byte[] packet)
    {
        RadiusPacket.Parse(packet, out var parsed);
        return parsed.TryGet(RadiusAttribute.NasIpAddress, out var value) ? new IPAddress(value).ToString() : "";
    }

    /// <summary>
    /// Waits for an answer that needs no further time of the client's clock, which is stopped. Without the answer the test fails and
    /// does not hang.
    /// </summary>
    private static Task<RadiusResult> InTimeAsync(Task<RadiusResult> answer) =>
        answer.WaitAsync(TimeSpan.FromSeconds(20), BusyMachine.Time);

    /// <summary>
    /// A server that accepts every user, with the name as the group, or is silent, or holds its answers until they are released.
    /// </summary>
    private sealed class Server : IAsyncDisposable
    {
        private readonly IDatagramPort _port;
        private readonly Task _serving;
        private int _looked = -1;

        public Server(SimNetwork network, IPEndPoint at)
        {
            _port = new SimNic(network, "server", at.Address).OpenDatagrams(at.Port);
            _serving = ServeAsync();
        }

        public ConcurrentQueue<(byte[] Packet, IPEndPoint From)> Requests { get; } = [];

        public bool Answers { get; set; } = true;

        public bool Holds { get; set; }

        /// <summary>Waits until this number of different or repeated requests has arrived.</summary>
        public Task SeenAsync(int count, Action? again = null) =>
            Until.TrueAsync(
                () =>
                {
                    if (again is null)
                    {
                        return Requests.Count >= count;
                    }
                    var (before, now) = (_looked, _looked = Requests.Count);
                    if (before != now)
                    {
                        return false; // They still arrive.
                    }
                    var seen = Requests.DistinctBy(request => (request.From.Port, request.Packet[1])).Count() >= count;
                    if (!seen)
                    {
                        again();
                    }
                    return seen;
                },
                $"{count} requests"
            );

        public async Task ReleaseAsync()
        {
            Holds = false;
            foreach (var (packet, from) in Requests)
            {
                await _port.SendAsync(Accept(packet), from);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _port.DisposeAsync();
            await _serving;
        }

        private static byte[] Accept(byte[] request)
        {
            RadiusPacket.Parse(request, out var parsed);
            parsed.TryGet(RadiusAttribute.UserName, out var user);
            var buffer = new byte[RadiusPacket.LengthMax];
            var writer = new RadiusWriter(buffer, RadiusCode.AccessAccept, request[1], request.AsSpan(4, 16), sign: true);
            writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName, user);
            return buffer[..writer.EndAnswer(Secret)];
        }

        private async Task ServeAsync()
        {
            var buffer = new byte[RadiusPacket.LengthMax];
            try
            {
                while (true)
                {
                    var (length, from) = await _port.ReceiveAsync(buffer);
                    Requests.Enqueue((buffer[..length], from));
                    if (Answers && !Holds)
                    {
                        await _port.SendAsync(Accept(buffer[..length]), from);
                    }
                }
            }
            catch (ObjectDisposedException)
            {
                // Stopped.
            }
        }
    }
}
