using System.Net;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Monitoring;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Lab.Api;
using Appliance.Tests.EndToEnd;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The metrics that a unit reports, over a clock that the test moves and a path to the phones that the test breaks.</summary>
public sealed class MetricsTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-metrics-");
    private readonly FakeTimeProvider _time = new(LoginRig.Start);
    private readonly Way _way = new();
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly LoginService _login;
    private readonly PushService _push;
    private readonly RadiusClient _radius;
    private readonly UnitMetrics _metrics;
    private int _pushes;

    public MetricsTests()
    {
        _state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, .. LoginCore.Tables]);
        var events = _events = new EventLog(_state, _time, "TEST");
        _login = new LoginService(new TokenCore(_state), _state, events, _time, new DebugTap());
        _push = new PushService(_login, _way, events, _time, new DebugTap(), _ => Task.CompletedTask);
        _radius = new RadiusClient([new SimNic(new SimNetwork(), "port1", IPAddress.Loopback)], _time, new DebugTap());
        _metrics = new UnitMetrics(_login, _push, _radius, _state, new DescriptorAlarm(events, _time, []));
        var tree = LoginRig.TreeOf("");
        _login.InForce(tree, tree);
        _push.Apply(tree, tree);
    }

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        await _push.DisposeAsync();
        await _radius.DisposeAsync();
        _login.Dispose();
        await _state.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task PushIsDegradedWithinAMinuteOfTheLastOfARowOfFailuresAndNoLongerWhenOneGetsThrough()
    {
        _way.Result = PushResult.Failed(PushOutcome.Unavailable, "down");
        for (var failure = 1; failure < PushHealth.FailuresMax; failure++)
        {
            await PushAsync();
            Assert.Equal(0, Value("appliance_push_degraded"));
        }
        await PushAsync();
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(1, Value("appliance_push_degraded"));
        Assert.Equal(PushHealth.FailuresMax, Value("""appliance_push_messages_total{outcome="unavailable"}"""));
        _way.Result = PushResult.Sent;
        await PushAsync();
        Assert.Equal(0, Value("appliance_push_degraded"));
        Assert.Equal(1, Value("""appliance_push_messages_total{outcome="sent"}"""));
    }

    [Fact]
    public async Task ACredentialThatExpiresWhileNobodyPushesDegradesWithinAMinute()
    {
        _way.Result = PushResult.Sent with { CredentialExpires = _time.GetUtcNow().AddHours(3) };
        await PushAsync();
        _time.Advance(TimeSpan.FromHours(3) - TimeSpan.FromSeconds(1));
        Assert.Equal(0, Value("appliance_push_degraded"));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(1, Value("appliance_push_degraded"));
        _way.Result = PushResult.Sent with { CredentialExpires = _time.GetUtcNow().AddHours(3) };
        await PushAsync();
        Assert.Equal(0, Value("appliance_push_degraded"));
    }

    [Fact]
    public async Task AnAnswerToNoPushIsCounted()
    {
        Assert.False(await _push.ApproveAsync(PushSessionId.New(), "123456", ""));
        Assert.Equal(1, Value("""appliance_callback_answers_total{result="void"}"""));
    }

    [Fact]
    public void EachInstrumentHasItsHelpAndTypeOnce()
    {
        var lines = MetricsText.Of(_metrics.Meter).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var names = lines
            .Where(line => line[0] != '#')
            .Select(line => line.Split(' ', '{')[0])
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToArray();
        Assert.Equal(12, names.Length);
        Assert.Equal(names, lines.Where(line => line.StartsWith("# HELP ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]));
        Assert.Equal(names, lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]));
        Assert.All(
            names,
            name => Assert.Contains($"# TYPE {name} {(name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge")}", lines)
        );
        Assert.Equal(lines.Length, lines.Distinct().Count());
    }

    /// <summary>Logins by the phone, by a wrong password and by the RADIUS server, as a scraper sees them.</summary>
    [Fact]
    public async Task ALabTellsItsLogins()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        using var web = new Web(lab);
        var ann = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        await lab.AnswerAsync("approve");
        Assert.Contains("ret=1", await ann, StringComparison.Ordinal);
        using var wrong = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=dan&credential=not-dans&realm=&ajax=1&just_logged_in=1"
        );
        using var answer = await lab.Api.GetAsync("/lab/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        var text = await answer.Content.ReadAsStringAsync();
        foreach (
            var sample in new[]
            {
                """appliance_push_messages_total{outcome="sent"}""",
                """appliance_callback_answers_total{result="accepted"}""",
                """appliance_logins_total{outcome="in"}""",
                """appliance_logins_total{outcome="refused"}""",
                "appliance_radius_requests_total",
                """appliance_radius_results_total{result="reject"}""",
            }
        )
        {
            Assert.Equal((sample, 1), (sample, Value(sample, text)));
        }
        foreach (
            var sample in new[]
            {
                "appliance_push_degraded",
                "appliance_logins_pending",
                "appliance_radius_open",
                """appliance_radius_replies_refused_total{reason="wrong_response_authenticator"}""",
            }
        )
        {
            Assert.Equal((sample, 0), (sample, Value(sample, text)));
        }
        using var post = await lab.Api.PostAsync("/lab/metrics", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
    }

    private long Value(string sample) => Value(sample, MetricsText.Of(_metrics.Meter));

    private static long Value(string sample, string text) =>
        long.Parse(
            text.Split('\n').Single(line => line.StartsWith(sample + " ", StringComparison.Ordinal))[(sample.Length + 1)..],
            System.Globalization.CultureInfo.InvariantCulture
        );

    /// <summary>Sends one push; returns when its outcome is known.</summary>
    private async Task PushAsync()
    {
        var number = ++_pushes;
        var now = _time.GetUtcNow();
        _push.Send(
            new PushOrder(
                $"{number}",
                "ann",
                new Token("FTKMOB0000000001", null, Locked: false, "reg-ann", "ios 17.5"),
                LoginRig.Home,
                now,
                now.AddSeconds(60),
                number
            )
        );
        // The event is written after all other effects of a push: counters, health, and the timer of the credential.
        await Until.TrueAsync(
            () => _events.After(0).Count(record => record.Entry.LogId is "0100032160" or "0100032161") == number,
            "the event of the push"
        );
    }

    private sealed class Way : IPushSender
    {
        public PushResult Result { get; set; } = PushResult.Sent;

        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) => new(Result);
    }
}
