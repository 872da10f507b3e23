using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Tests.EndToEnd;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The checks of an answer to a push: the limit of wrong ones, its signature, its form, and its lateness after a code.</summary>
public sealed class PushAnswerTests
{
    private const string Session = "0123456789abcdef0123456789abcdef";
    private static readonly DateTimeOffset Now = LoginRig.Start;
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(value => (byte)value)];

    [Fact]
    public void The_answer_after_two_wrong_ones_decides()
    {
        var sessions = Opened();
        Answer(sessions, decided: false);
        Answer(sessions, decided: false);
        Assert.NotNull(sessions.Take(new PushSessionId(1), Now));
    }

    [Fact]
    public void The_third_wrong_answer_ends_the_push()
    {
        var sessions = Opened();
        Answer(sessions, decided: false);
        Answer(sessions, decided: false);
        Answer(sessions, decided: false);
        Assert.Null(sessions.Take(new PushSessionId(1), Now));
        Assert.False(sessions.IsOpen(new PushSessionId(1)));
        Assert.Equal(0, sessions.Count);
    }

    [Fact]
    public void Every_byte_of_the_signature_is_compared()
    {
        var hmac = HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes($"{Session}\nalert\nno"));
        Assert.True(PushSessions.IsGenuineAlert(Key, Session, "no", hmac));
        for (var at = 0; at < hmac.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                byte[] forged = [.. hmac];
                forged[at] ^= (byte)(1 << bit);
                Assert.False(PushSessions.IsGenuineAlert(Key, Session, "no", forged), $"byte {at}, bit {bit}");
            }
        }
        Assert.False(PushSessions.IsGenuineAlert(Key, Session, "no", hmac.AsSpan(0, 31)));
        Assert.False(PushSessions.IsGenuineAlert(Key, Session, "no", [.. hmac, 0]));
        Assert.False(PushSessions.IsGenuineAlert(Key, Session, "no", []));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(" \r\n\t", true)]
    [InlineData("x", false)]
    [InlineData("1", false)]
    [InlineData("\"\"", false)]
    [InlineData("{}", false)]
    [InlineData("}", false)]
    [InlineData(",", false)]
    [InlineData("\n{\"session_id\":\"0123456789abcdef0123456789abcdef\"}", false)]
    public void Text_after_the_object_is_refused(string after, bool read)
    {
        var body = $$"""{"session_id":"{{Session}}","action":"validate","token_code":"123456"}""" + after;
        Assert.Equal(read ? PhoneAction.Validate : PhoneAction.None, CallbackRequest.Parse(Encoding.UTF8.GetBytes(body)).Action);
    }

    [Theory]
    [InlineData("right", false)]
    [InlineData("000000", true)]
    public async Task A_typed_code_cancels_the_push(string typed, bool stillOpen)
    {
        using var folder = new TemporaryFolder();
        var time = new FakeTimeProvider(Now);
        await using var state = StateDatabase.Open(Path.Combine(folder.Path, "state.db"), [EventLog.Table, .. LoginCore.Tables]);
        var events = new EventLog(state, time, "TEST");
        using var login = new LoginService(new TokenCore(state), state, events, time, new DebugTap());
        var way = new Way();
        await using var push = new PushService(login, way, events, time, new DebugTap(), _ => Task.CompletedTask);
        login.Gateways.Push = push;
        var tree = LoginRig.TreeOf(LoginRig.Patient);
        login.InForce(tree, tree);
        push.Apply(tree, tree);
        var challenge = Assert.IsType<LoginAnswer.Challenge>(
            await login.StartAsync(new LoginRequest("ann", "ann-password", "", LoginRig.Home))
        );
        await Until.TrueAsync(() => way.Session is not null, "the push");
        Assert.NotNull(push.LoginOf(way.Session!));
        await login.SubmitCodeAsync(
            challenge.Handle,
            typed == "right" ? LoginRig.AnnCode(Now) : typed,
            LoginRig.Home,
            CancellationToken.None
        );
        Assert.Equal(stillOpen, push.LoginOf(way.Session!) is not null);
        // The next step's code is right in itself: it is refused because the push has ended.
        time.Advance(TimeSpan.FromSeconds(30));
        var voids = push.Counts.Void;
        var approved = await push.ApproveAsync(
            PushSessionId.Parse(Encoding.ASCII.GetBytes(way.Session!))!.Value,
            LoginRig.AnnCode(Now.AddSeconds(30), 1),
            ""
        );
        Assert.Equal(stillOpen, approved);
        Assert.Equal(stillOpen ? voids : voids + 1, push.Counts.Void);
    }

    private static PushSessions Opened()
    {
        var sessions = new PushSessions();
        sessions.Open(
            new PushSessionId(1),
            new PushOrder("1", "ann", new Token("FTKMOB0000000001", null, false, "reg", ""), IPAddress.Loopback, Now, Now.AddSeconds(60), 1)
        );
        return sessions;
    }

    private static void Answer(PushSessions sessions, bool decided) => sessions.Return(sessions.Take(new PushSessionId(1), Now)!, decided);

    private sealed class Way : IPushSender
    {
        private volatile string? _session;

        public string? Session => _session;

        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
        {
            _session = message.SessionId;
            return new(PushResult.Sent);
        }
    }

    private sealed class TemporaryFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-answers-");

        public string Path => _folder.FullName;

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
