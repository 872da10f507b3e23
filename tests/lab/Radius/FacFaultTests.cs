using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Radius;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>Each <c>radius.*</c> fault on the wire, as a client sees it.</summary>
public sealed class FacFaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(200);
    private byte _next;

    [Fact]
    public async Task EachWordDoesWhatItSays()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        using var client = new UdpClient(new IPEndPoint(IPAddress.Parse(lab.Network + ".20"), 0));
        client.Connect(lab.Fac.Authentication);

        await SetAsync(lab, """{"fault":"radius.drop","times":1,"match":{"user":"bob"}}""");
        var request = Request(out var authenticator);
        Assert.Null(await AskAsync(client, request));
        Assert.Equal(RadiusCode.AccessAccept, FacFixture.Read(await AnswerAsync(client, request), authenticator).Code);

        await SetAsync(lab, """{"fault":"radius.dup","times":1}""");
        var first = await AnswerAsync(client, Request(out authenticator));
        Assert.Equal(first, await AnswerAsync(client, null));

        await SetAsync(lab, """{"fault":"radius.delay","times":1,"delayMs":5000}""");
        Assert.Null(await AskAsync(client, Request(out authenticator)));
        await lab.AdvanceAsync(5);
        Assert.Equal(RadiusCode.AccessAccept, FacFixture.Read(await AnswerAsync(client, null), authenticator).Code);

        await SetAsync(lab, """{"fault":"radius.no-message-authenticator","times":1}""");
        Assert.Equal((true, false), Judge(await AnswerAsync(client, Request(out authenticator)), authenticator));

        await SetAsync(lab, """{"fault":"radius.forged","times":1}""");
        Assert.Equal((false, false), Judge(await AnswerAsync(client, Request(out authenticator, "wrong")), authenticator));
        Assert.Equal(RadiusCode.AccessReject, FacFixture.Read(await AnswerAsync(client, null), authenticator).Code);

        var before = lab.Fac;
        await SetAsync(lab, """{"fault":"radius.restart","delayMs":30000}""");
        request = Request(out authenticator);
        Assert.Null(await AskAsync(client, request));
        await Until.TrueAsync(() => before.Stopped.IsCancellationRequested, "the stop");
        await lab.AdvanceAsync(30);
        await Until.TrueAsync(() => lab.Fac != before, "the restart");
        Assert.Equal(RadiusCode.AccessAccept, FacFixture.Read(await AnswerAsync(client, request), authenticator).Code);

        var told = lab.EventLines().Where(line => line.Contains("0199000001", StringComparison.Ordinal)).ToArray();
        Assert.Equal(
            ["radius.drop", "radius.dup", "radius.delay", "radius.no-message-authenticator", "radius.forged", "radius.restart"],
            told.Select(line => line.Split("fault=\"")[1].Split('"')[0])
        );
        Assert.All(
            told,
            line =>
                Assert.True(
                    line.Contains("user=\"bob\"", StringComparison.Ordinal)
                        && line.Contains($"srcip={lab.Network}.20", StringComparison.Ordinal),
                    line
                )
        );
    }

    /// <summary>The emulator's events and counters can be read by the lab, also after a restart.</summary>
    [Fact]
    public async Task TheLabTellsWhatItDid()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        using var client = new UdpClient(new IPEndPoint(IPAddress.Parse(lab.Network + ".20"), 0));
        client.Connect(lab.Fac.Authentication);
        Assert.NotNull(await AnswerAsync(client, Request(out _)));
        Assert.Null(await AskAsync(client, [1, 2, 3]));
        var counted = JsonNode.Parse(await lab.Api.GetStringAsync("/lab/fac"))!;
        Assert.Equal((1, 1), (counted["answered"]!.GetValue<int>(), counted["dropped"]!["malformed_TooShort"]!.GetValue<int>()));
        var events = JsonNode.Parse(await lab.Api.GetStringAsync("/lab/fac/events?after=0"))!.AsArray();
        Assert.Contains("user=\"bob\"", events[^1]!["line"]!.GetValue<string>(), StringComparison.Ordinal);
        var last = events[^1]!["id"]!.GetValue<long>();
        var waiting = lab.Api.GetStringAsync($"/lab/fac/events?after={last}&wait=60");
        await SetAsync(lab, """{"fault":"radius.restart"}""");
        var before = lab.Fac;
        Assert.Null(await AskAsync(client, Request(out _)));
        await Until.TrueAsync(() => lab.Fac != before, "the restart");
        Assert.NotNull(await AnswerAsync(client, Request(out _)));
        Assert.Equal(last + 1, JsonNode.Parse(await waiting)!.AsArray()[0]!["id"]!.GetValue<long>());
    }

    [Fact]
    public async Task ABoardWithoutOneSaysSo()
    {
        await using var lab = await TestLab.StartAsync();
        using var answer = await lab.Api.GetAsync("/lab/fac");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("fac.json", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private byte[] Request(out byte[] authenticator, string password = "bob-password")
    {
        authenticator = [.. Enumerable.Repeat(++_next, 16)];
        return FacFixture.Request(_next, authenticator, "bob", password);
    }

    /// <summary>Returns the next datagram, which must arrive; sends a request first unless it is null.</summary>
    private static async Task<byte[]> AnswerAsync(UdpClient client, byte[]? request) =>
        await AskAsync(client, request, Patience) ?? throw new TimeoutException("no answer came");

    /// <summary>Returns the next datagram; null if none arrives.</summary>
    private static async Task<byte[]?> AskAsync(UdpClient client, byte[]? request, TimeSpan? patience = null)
    {
        if (request is not null)
        {
            await client.SendAsync(request);
        }
        using var late = new CancellationTokenSource(patience ?? Silence, BusyMachine.Time);
        try
        {
            return (await client.ReceiveAsync(late.Token)).Buffer;
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            return null;
        }
    }

    private static (bool Answer, bool Signed) Judge(byte[] reply, byte[] authenticator)
    {
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(reply, out var packet));
        return (FacFixture.Secret.IsAnswer(packet, authenticator), FacFixture.Secret.IsSigned(packet, authenticator));
    }

    private static async Task SetAsync(TestLab lab, string fault)
    {
        using var answer = await lab.Api.PutAsync(
            "/lab/faults",
            new StringContent($"{{\"faults\":[{fault}]}}", Encoding.UTF8, "application/json")
        );
        answer.EnsureSuccessStatusCode();
    }
}
