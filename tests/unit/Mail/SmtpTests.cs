using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Nics;
using Appliance.Firmware.Config;
using Appliance.Firmware.Mail;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Nerdbank.Streams;
using Xunit;

namespace Appliance.Tests.Mail;

/// <summary>The mail client against servers that keep the rules, and against servers that do not; no socket is opened.</summary>
public sealed class SmtpTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private readonly SimNetwork _network = new();
    private readonly FakeTimeProvider _time = new(Start);
    private readonly SimNic _nic;
    private readonly SimNic _server;
    private readonly MailService _mail;
    private readonly ConcurrentQueue<string> _heard = [];

    public SmtpTests()
    {
        _nic = new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1"));
        _server = new SimNic(_network, "server", IPAddress.Parse("10.0.0.25"));
        _mail = new MailService([new SimNic(_network, "port0", IPAddress.Parse("10.0.0.9")), _nic], _time);
        Configure("");
    }

    public ValueTask DisposeAsync()
    {
        _mail.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task TheLabsOwnServerTakesALetterWithAPicture()
    {
        var inbox = new LabInbox();
        await using var sink = MailSink.Listen(_server, 25, inbox, () => new HashSet<string> { "sms.test" }, _time, NullLogger.Instance);
        var picture = RandomNumberGenerator.GetBytes(5000);
        Assert.Null(await _mail.SendAsync(new Letter("eve@example.test", "Schlüssel", ".\n..\nZeile mit ä\n", picture)));
        var letter = Assert.Single(inbox.Letters);
        Assert.Equal(
            (LetterKind.Mail, "eve@example.test", ".\n..\nZeile mit ä\n", Start),
            (letter.Kind, letter.To, letter.Text, letter.Time)
        );
        Assert.Equal(picture, letter.Picture);
        Assert.Equal($"=?utf-8?B?{Convert.ToBase64String("Schlüssel"u8)}?=", letter.Subject);
        Assert.Null(await _mail.SendMessageAsync("lab", "+15550100", "code is 123456\n"));
        Assert.Equal((LetterKind.Sms, "15550100", "123456"), (inbox.Letters[1].Kind, inbox.Letters[1].To, inbox.Letters[1].Code));
    }

    [Fact]
    public async Task TheLabsOwnServerKeepsItsLimits()
    {
        var inbox = new LabInbox();
        await using var sink = MailSink.Listen(_server, 25, inbox, () => new HashSet<string>(), _time, NullLogger.Instance);
        await using (var connection = await _nic.ConnectAsync(sink.EndPoint))
        {
            await TalkAsync(
                connection.Transport.AsStream(),
                async (read, say) =>
                {
                    Assert.StartsWith("220", await read(), StringComparison.Ordinal);
                    foreach (
                        var (line, code) in ((string, string)[])
                            [
                                ("NONSENSE", "503"),
                                ("", "503"),
                                ("RCPT TO:<a@b>", "503"),
                                ("DATA", "503"),
                                ("MAIL FROM:<", "503"),
                                ("MAIL FROM:<a@b>", "250"),
                                ("RCPT TO:<b>", "503"),
                                ("RCPT TO:<c@d>", "250"),
                                ("DATA", "354"),
                            ]
                    )
                    {
                        await say(line);
                        Assert.StartsWith(code, await read(), StringComparison.Ordinal);
                    }
                    for (var line = 0; line < 1100; line++)
                    {
                        await say(new string('x', 1000));
                    }
                    await say(".");
                    Assert.StartsWith("552", await read(), StringComparison.Ordinal);
                }
            );
        }
        await using (var connection = await _nic.ConnectAsync(sink.EndPoint))
        {
            await TalkAsync(
                connection.Transport.AsStream(),
                async (read, _) =>
                {
                    await read();
                    await connection.Transport.Output.WriteAsync(new byte[5000]);
                    Assert.Null(await read());
                }
            );
        }
        Assert.Empty(inbox.Letters);
        // And the next one is served.
        Assert.Null(await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
        Assert.Single(inbox.Letters);
    }

    [Theory]
    [InlineData("250 AUTH PLAIN LOGIN", "AUTH PLAIN AG1lAHNlY3JldA==")]
    [InlineData("250 AUTH LOGIN", "AUTH LOGIN|bWU=|c2VjcmV0")]
    public async Task ItAuthenticates(string offer, string spoken)
    {
        Configure("set authenticate enable\nset username me\nset password secret\n");
        _ = ServeAsync(
            async (read, say) =>
            {
                await say("220 hello");
                await read();
                await say("250-here\r\n" + offer);
                await read();
                if (!offer.Contains("PLAIN", StringComparison.Ordinal))
                {
                    await say("334 VXNlcm5hbWU6");
                    await read();
                    await say("334 UGFzc3dvcmQ6");
                    await read();
                }
                await say("235 ok");
                await TakeAsync(read, say);
            }
        );
        Assert.Null(await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
        Assert.Equal(spoken, string.Join('|', _heard.Skip(1).TakeWhile(line => !line.StartsWith("MAIL", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("starttls")]
    [InlineData("smtps")]
    public async Task ItSpeaksTls(string security)
    {
        Configure($"set security {security}\n");
        _ = ServeTlsAsync(security == "starttls");
        Assert.Null(await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
        // And it believes no server that it should validate.
        Configure($"set security {security}\nset validate-server enable\n");
        _ = ServeTlsAsync(security == "starttls");
        Assert.NotNull(await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
    }

    [Theory]
    [InlineData("421 busy", "10.0.0.25:25: the server answered greeting with 421 busy")]
    [InlineData("hello", "10.0.0.25:25: the server's reply is not SMTP")]
    [InlineData("22", "10.0.0.25:25: the server's reply is not SMTP")]
    [InlineData("220\u001b[2J evil", "10.0.0.25:25: the server's reply is not SMTP")]
    public async Task AServerThatIsNoneIsAReason(string greeting, string reason)
    {
        _ = ServeAsync(async (_, say) => await say(greeting));
        Assert.Equal(reason, await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
    }

    [Fact]
    public async Task NoAnswerIsEndless()
    {
        _ = ServeAsync(async (_, say) => await say("220 " + new string('x', 2000)));
        Assert.Equal(
            "10.0.0.25:25: a line of the server's reply is longer than 1024 bytes",
            await _mail.SendAsync(new Letter("eve@example.test", "s", "t"))
        );
        _ = ServeAsync(
            async (_, say) =>
            {
                for (var line = 0; line < 100; line++)
                {
                    await say("220-more");
                }
            }
        );
        Assert.Equal(
            "10.0.0.25:25: the server's reply has more than 64 lines",
            await _mail.SendAsync(new Letter("eve@example.test", "s", "t"))
        );
    }

    [Fact]
    public async Task ASilentServerIsGivenUp()
    {
        var accepted = new TaskCompletionSource();
        _ = ServeAsync(
            async (read, _) =>
            {
                accepted.SetResult();
                await read();
            }
        );
        var sending = _mail.SendAsync(new Letter("eve@example.test", "s", "t"));
        await accepted.Task;
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal("10.0.0.25:25 did not answer within 20 s", await sending);
    }

    [Fact]
    public async Task WhatCannotBeSentSaysWhy()
    {
        Assert.Equal("10.0.0.25:25: 10.0.0.25:25: connection refused", await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
        Assert.Equal("the SMS server none has no mail-server", await _mail.SendMessageAsync("none", "15550100", "t"));
        Assert.StartsWith(
            "FortiGuard messaging is not licensed",
            await _mail.SendMessageAsync("", "15550100", "t"),
            StringComparison.Ordinal
        );
        Assert.Equal("the number is not one", await _mail.SendMessageAsync("lab", "1555x", "t"));
        Configure("unset server\n");
        Assert.Equal("no mail server is set (system email-server)", await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
        Configure("set source-ip 10.9.9.9\n");
        Assert.Equal("no interface is up to send it from", await _mail.SendAsync(new Letter("eve@example.test", "s", "t")));
    }

    [Theory]
    [InlineData("eve@example.test", true)]
    [InlineData("e.v-e+x@a-b.test", true)]
    [InlineData("", false)]
    [InlineData("@example.test", false)]
    [InlineData("eve@", false)]
    [InlineData("eve@example.test\r\nRCPT TO:<x@y>", false)]
    [InlineData("eve>x@example.test", false)]
    [InlineData("e ve@example.test", false)]
    [InlineData("evé@example.test", false)]
    public async Task AnAddressThatIsNoneGoesNowhere(string address, bool valid)
    {
        Assert.Equal(valid, MailAddress.IsValid(address));
        if (!valid)
        {
            Assert.Equal("the address is not one", await _mail.SendAsync(new Letter(address, "s", "t")));
        }
    }

    private void Configure(string more)
    {
        var (tree, ignored) = ConfigReader.Read(
            ConfigSchema.Load(Personality.Default),
            "config system email-server\nset server 10.0.0.25\nset port 25\n"
                + more
                + "end\nconfig system sms-server\nedit lab\nset mail-server sms.test\nnext\nend\n",
            value => value,
            new Dictionary<string, Func<string, bool>>()
        );
        Assert.Empty(ignored);
        _mail.Apply(tree, tree);
    }

    private static async Task TakeAsync(Func<Task<string?>> read, Func<string, Task> say)
    {
        foreach (var answer in (string[])["250 ok", "250 ok", "354 go"])
        {
            await read();
            await say(answer);
        }
        while (await read() is not (null or ".")) { }
        await say("250 taken");
    }

    /// <summary>A server for one client.</summary>
    private async Task ServeAsync(Func<Func<Task<string?>>, Func<string, Task>, Task> talk)
    {
        await using var listener = _server.Listen(25);
        await using var connection = (await listener.AcceptAsync())!;
        await TalkAsync(connection.Transport.AsStream(), talk);
    }

    private async Task TalkAsync(Stream stream, Func<Func<Task<string?>>, Func<string, Task>, Task> talk)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, false, 1, leaveOpen: true);
        await talk(
            async () =>
            {
                var line = await reader.ReadLineAsync();
                if (line is not null)
                {
                    _heard.Enqueue(line);
                }
                return line;
            },
            async line =>
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
                await stream.FlushAsync();
            }
        );
    }

    private async Task ServeTlsAsync(bool startTls)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=10.0.0.25", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            Start.AddDays(-1),
            Start.AddDays(1)
        );
        await using var listener = _server.Listen(25);
        await using var connection = (await listener.AcceptAsync())!;
        var stream = connection.Transport.AsStream();
        if (startTls)
        {
            await TalkAsync(
                stream,
                async (read, say) =>
                {
                    await say("220 hello");
                    await read();
                    await say("250-here\r\n250 STARTTLS");
                    await read();
                    await say("220 go ahead");
                }
            );
        }
        await using var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(certificate);
        await TalkAsync(
            secure,
            async (read, say) =>
            {
                if (!startTls)
                {
                    await say("220 hello");
                }
                await read();
                await say("250 here");
                await TakeAsync(read, say);
            }
        );
    }
}
