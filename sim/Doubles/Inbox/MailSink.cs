using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Appliance.Doubles.Inbox;

/// <summary>
/// The lab's mail server: accepts every e-mail for any recipient by SMTP (RFC 5321), and relays none. E-mails to a domain of an SMS gateway
/// are text messages. Any password is accepted.
/// </summary>
internal sealed class MailSink : IAsyncDisposable
{
    private const int LineMax = 2048;
    private const int LetterMax = 1024 * 1024;
    private const int RecipientsMax = 100;
    private const int ConnectionsMax = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IConnectionListener _listener;
    private readonly LabInbox _inbox;
    private readonly Func<IReadOnlySet<string>> _smsDomains;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _free = new(ConnectionsMax);
    private Task _serving = Task.CompletedTask;

    private MailSink(IConnectionListener listener, LabInbox inbox, Func<IReadOnlySet<string>> smsDomains, TimeProvider time, ILogger log)
    {
        _listener = listener;
        _inbox = inbox;
        _smsDomains = smsDomains;
        _time = time;
        _log = log;
    }

    /// <summary>The endpoint of the listener.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.EndPoint;

    /// <summary>Listens on an interface; port 0 chooses a free one.</summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    public static MailSink Listen(INic nic, int port, LabInbox inbox, Func<IReadOnlySet<string>> smsDomains, TimeProvider time, ILogger log)
    {
        var sink = new MailSink(nic.Listen(port), inbox, smsDomains, time, log);
        sink._serving = sink.AcceptAsync();
        return sink;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _listener.UnbindAsync();
        await _serving;
        await _listener.DisposeAsync();
        for (var ended = 0; ended < ConnectionsMax; ended++)
        {
            await _free.WaitAsync();
        }
        _free.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (await _listener.AcceptAsync() is { } connection)
        {
            await _free.WaitAsync();
            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(ConnectionContext connection)
    {
        try
        {
            await using (connection)
            {
                // The timeout of a mail server is real time, whatever the lab's clock does.
                using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stopping.Token);
                await new Session(this, connection.Transport).RunAsync(either.Token);
            }
        }
        catch (Exception failure)
            when (failure
                    is IOException
                        or ConnectionAbortedException
                        or ConnectionResetException
                        or OperationCanceledException
                        or InvalidOperationException
            )
        {
            _log.LogDebug("lab mail: a connection broke: {Reason}", failure.Message);
        }
        finally
        {
            _free.Release();
        }
    }

    private LetterKind KindOf(string recipient) =>
        _smsDomains().Contains(recipient[(recipient.LastIndexOf('@') + 1)..]) ? LetterKind.Sms : LetterKind.Mail;

    /// <summary>The session of one client.</summary>
    private sealed class Session(MailSink sink, IDuplexPipe pipe)
    {
        private string? _from;
        private readonly List<string> _to = [];

        public async Task RunAsync(CancellationToken cancellationToken)
        {
            await SayAsync("220 lab mail, accepts everything", cancellationToken);
            while (await LineAsync(LineMax, cancellationToken) is { } line)
            {
                var (verb, rest) = line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var blank
                    ? (line[..blank].ToUpperInvariant(), line[(blank + 1)..])
                    : (line.ToUpperInvariant(), "");
                switch (verb)
                {
                    case "EHLO":
                        await SayAsync($"250-lab\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE {LetterMax}", cancellationToken);
                        break;
                    case "AUTH":
                        await AuthenticateAsync(rest, cancellationToken);
                        break;
                    case "MAIL" when Address(rest, "FROM:") is { } from:
                        (_from, _) = (from, Reset());
                        await SayAsync("250 ok", cancellationToken);
                        break;
                    case "RCPT"
                        when _from is not null
                            && _to.Count < RecipientsMax
                            && Address(rest, "TO:") is { } to
                            && to.IndexOf('@', StringComparison.Ordinal) > 0:
                        _to.Add(to);
                        await SayAsync("250 ok", cancellationToken);
                        break;
                    case "DATA" when _to.Count > 0:
                        await SayAsync("354 end with a dot", cancellationToken);
                        await SayAsync(
                            await TakeAsync(cancellationToken) ? "250 taken" : $"552 more than {LetterMax} bytes",
                            cancellationToken
                        );
                        break;
                    case "HELO" or "NOOP":
                        await SayAsync("250 ok", cancellationToken);
                        break;
                    case "RSET":
                        _from = null;
                        Reset();
                        await SayAsync("250 ok", cancellationToken);
                        break;
                    case "QUIT":
                        await SayAsync("221 bye", cancellationToken);
                        return;
                    default:
                        await SayAsync("503 not now, or not understood", cancellationToken);
                        break;
                }
            }
        }

        private int Reset()
        {
            _to.Clear();
            return 0;
        }

        private async Task AuthenticateAsync(string mechanism, CancellationToken cancellationToken)
        {
            if (mechanism.StartsWith("LOGIN", StringComparison.OrdinalIgnoreCase))
            {
                foreach (var question in (string[])["VXNlcm5hbWU6", "UGFzc3dvcmQ6"])
                {
                    await SayAsync("334 " + question, cancellationToken);
                    await LineAsync(LineMax, cancellationToken);
                }
            }
            await SayAsync("235 believed", cancellationToken);
        }

        private async Task<bool> TakeAsync(CancellationToken cancellationToken)
        {
            var letter = new StringBuilder();
            var length = 0;
            while (await LineAsync(LineMax, cancellationToken) is { } line && line != ".")
            {
                length += line.Length + 1;
                if (length <= LetterMax)
                {
                    letter.Append(line.StartsWith('.') ? line[1..] : line).Append('\n');
                }
            }
            if (length > LetterMax)
            {
                return false;
            }
            foreach (var to in _to)
            {
                sink._inbox.Receive(_from!, to, sink.KindOf(to), letter.ToString(), sink._time.GetUtcNow());
            }
            _from = null;
            Reset();
            return true;
        }

        /// <summary>Reads a line without its line end; null at the end of the input. A line that is too long ends the connection.</summary>
        private async Task<string?> LineAsync(int longest, CancellationToken cancellationToken)
        {
            while (true)
            {
                var read = await pipe.Input.ReadAsync(cancellationToken);
                if (read.Buffer.PositionOf((byte)'\n') is { } end)
                {
                    var line = Encoding.UTF8.GetString(read.Buffer.Slice(0, end)).TrimEnd('\r');
                    pipe.Input.AdvanceTo(read.Buffer.GetPosition(1, end));
                    return line;
                }
                pipe.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCompleted || read.Buffer.Length > longest)
                {
                    return null;
                }
            }
        }

        private async Task SayAsync(string line, CancellationToken cancellationToken) =>
            await pipe.Output.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), cancellationToken);

        private static string? Address(string rest, string word)
        {
            var text = rest.StartsWith(word, StringComparison.OrdinalIgnoreCase) ? rest[word.Length..].Trim() : "";
            return text.StartsWith('<') && text.IndexOf('>', StringComparison.Ordinal) is > 0 and var end ? text[1..end] : null;
        }
    }
}
