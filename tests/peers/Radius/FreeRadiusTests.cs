using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The client against FreeRADIUS, over sockets.</summary>
[Trait("Peer", "freeradius")]
public sealed class FreeRadiusTests
{
    internal static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(Start);

    [Theory]
    [InlineData(RadiusScheme.Pap)]
    [InlineData(RadiusScheme.Chap)]
    [InlineData(RadiusScheme.MsChap)]
    [InlineData(RadiusScheme.MsChap2)]
    public async Task EverySchemeIsUnderstood(RadiusScheme scheme)
    {
        await using var server = await FreeRadius.StartAsync();
        await using var client = Client();
        var accept = Assert.IsType<RadiusResult.Accept>(await AskAsync(client, server, "bob", "bob-password", scheme));
        Assert.Equal(("staff", 3600), (Assert.Single(accept.Groups), accept.SessionTimeout));
        Assert.IsType<RadiusResult.Reject>(await AskAsync(client, server, "bob", "wrong", scheme));
        Assert.IsType<RadiusResult.Reject>(await AskAsync(client, server, "nobody", "bob-password", scheme));
    }

    [Fact]
    public async Task AutoGetsInWithTheFirstSchemeThatServes()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var client = Client();
        Assert.IsType<RadiusResult.Accept>(await AskAsync(client, server, "bob", "bob-password"));
        Assert.IsType<RadiusResult.Reject>(await AskAsync(client, server, "bob", "wrong"));
    }

    [Fact]
    public async Task TwoChallengesAreAnsweredOneAfterTheOther()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var client = Client();
        var first = Assert.IsType<RadiusResult.Challenge>(await AskAsync(client, server, "eve", "eve-password", RadiusScheme.Pap));
        Assert.Equal(("Enter token code", false), (first.Message, first.CanPush));
        var second = Assert.IsType<RadiusResult.Challenge>(await AnswerAsync(client, server, "eve", "123456", first));
        Assert.Equal("And the next one, please", second.Message);
        Assert.IsType<RadiusResult.Accept>(await AnswerAsync(client, server, "eve", "654321", second));
        Assert.IsType<RadiusResult.Reject>(await AnswerAsync(client, server, "eve", "654321", first));
    }

    [Fact]
    public async Task NothingAnswersAChallengeThatCanPush()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var client = Client();
        var challenge = Assert.IsType<RadiusResult.Challenge>(await AskAsync(client, server, "una", "una-password", RadiusScheme.Pap));
        Assert.Equal(
            (true, false, "Enter token code or no code to send a notification to your FortiToken Mobile"),
            (challenge.CanPush, challenge.TypePush, challenge.Message)
        );
        Assert.IsType<RadiusResult.Accept>(await AnswerAsync(client, server, "una", "", challenge));
    }

    /// <summary>
    /// A server from before CVE-2024-3596: its answers are right, and none counts where the release, or the setting, requires a
    /// Message-Authenticator.
    /// </summary>
    [Theory]
    [InlineData(RadiusScheme.Pap)]
    [InlineData(RadiusScheme.MsChap2)]
    public async Task WithoutAMessageAuthenticatorNobodyGetsInWhereItIsRequired(RadiusScheme scheme)
    {
        await using var server = await FreeRadius.StartAsync(signs: false);
        await using var client = Client();
        var refusals = new List<(string, IPEndPoint, RadiusRefusal)>();
        client.Refused += (entry, from, reason) => refusals.Add((entry, from, reason));
        var answer = AskAsync(client, server, "bob", "bob-password", scheme);
        Assert.Equal(RadiusRefusal.NoMessageAuthenticator, Assert.IsType<RadiusResult.NoAnswer>(await EventuallyAsync(answer)).Because);
        Assert.Equal([("lab", server.EndPoint, RadiusRefusal.NoMessageAuthenticator)], refusals);
        Assert.IsType<RadiusResult.Accept>(await AskAsync(client, server, "bob", "bob-password", scheme, require: false));
    }

    [Fact]
    public async Task AnotherSecretIsNoAnswer()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var client = Client();
        // The server does not even answer: its client signs with something else.
        Assert.Null(
            Assert
                .IsType<RadiusResult.NoAnswer>(
                    await EventuallyAsync(
                        client.AskAsync(
                            Settings(server.EndPoint, "another"),
                            new RadiusQuery("bob", "bob-password", null, "test"),
                            CancellationToken.None
                        )
                    )
                )
                .Because
        );
    }

    /// <summary>
    /// The server is killed and restarted under 64 concurrent requests: no authentication succeeds with a wrong password, every caller
    /// gets a
    /// result, every request to the running server is granted, and no identifier is lost.
    /// </summary>
    [Fact]
    public async Task AServerThatIsKilledUnderLoadCostsAnswersAndNothingElse()
    {
        const int Askers = 64;
        const int Kills = 3;
        await using var server = await FreeRadius.StartAsync();
        await using var client = Client();
        using var enough = new CancellationTokenSource();
        var (accepted, rejected, silent) = (0, 0, 0);
        var askers = Enumerable
            .Range(0, Askers)
            .Select(asker =>
                Task.Run(
                    async () =>
                    {
                        while (!enough.IsCancellationRequested)
                        {
                            var right = asker % 2 == 0;
                            switch (await AskAsync(client, server, "bob", right ? "bob-password" : "wrong", RadiusScheme.Pap))
                            {
                                case RadiusResult.Accept when right:
                                    Interlocked.Increment(ref accepted);
                                    break;
                                case RadiusResult.Reject when !right:
                                    Interlocked.Increment(ref rejected);
                                    break;
                                case RadiusResult.NoAnswer:
                                    Interlocked.Increment(ref silent);
                                    break;
                                case var wrong:
                                    Assert.Fail($"password {(right ? "right" : "wrong")}: {wrong}");
                                    break;
                            }
                        }
                    },
                    TestContext.Current.CancellationToken
                )
            )
            .ToArray();
        for (var kill = 0; kill < Kills; kill++)
        {
            var before = (accepted, rejected);
            await AdvanceUntilAsync(() => accepted > before.accepted + 200 && rejected > before.rejected + 200);
            await server.KillAsync();
            var silentBefore = silent;
            await AdvanceUntilAsync(() => silent > silentBefore + Askers);
            await server.StartAsync();
        }
        var last = accepted;
        await AdvanceUntilAsync(() => accepted > last + 200);
        await enough.CancelAsync();
        await AdvanceUntilAsync(() => askers.All(asker => asker.IsCompleted));
        await Task.WhenAll(askers);
    }

    private RadiusClient Client() => new([new SocketNic("port1", IPAddress.Parse("127.0.0.1"))], _time, new DebugTap());

    private static RadiusSettings Settings(IPEndPoint server, string secret = FreeRadius.Secret) =>
        new("lab", [new(server, new RadiusSecret(secret))], RadiusSettings.SchemesOf("auto")) { NasId = "lab" };

    private static Task<RadiusResult> AskAsync(
        RadiusClient client,
        FreeRadius server,
        string user,
        string password,
        RadiusScheme? scheme = null,
        bool require = true
    ) =>
        client.AskAsync(
            Settings(server.EndPoint) with
            {
                RequireMessageAuthenticator = require,
            },
            new RadiusQuery(user, password, null, "test") { Schemes = scheme is { } one ? [one] : [] },
            CancellationToken.None
        );

    private static Task<RadiusResult> AnswerAsync(
        RadiusClient client,
        FreeRadius server,
        string user,
        string answer,
        RadiusResult.Challenge challenge
    ) =>
        client.AskAsync(
            Settings(server.EndPoint),
            new RadiusQuery(user, answer, null, "test") { Answers = challenge },
            CancellationToken.None
        );

    /// <summary>The client's clock advances while the real clock gives the server time to answer.</summary>
    private async Task<RadiusResult> EventuallyAsync(Task<RadiusResult> answer)
    {
        await AdvanceUntilAsync(() => answer.IsCompleted);
        return await answer;
    }

    private Task AdvanceUntilAsync(Func<bool> done) =>
        EndToEnd.Until.TrueAsync(
            () =>
            {
                if (!done())
                {
                    _time.Advance(TimeSpan.FromMilliseconds(200));
                }
                return done();
            },
            "answers"
        );
}
