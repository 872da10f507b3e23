using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Firmware.Certificates;

namespace Appliance.Firmware.Mail;

/// <summary>
/// The mail server refused a command, or sent something that is not SMTP. The message names the command and contains no secret.
/// </summary>
public sealed class SmtpException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>
/// An SMTP client (RFC 5321) for one e-mail over one connection, with STARTTLS (RFC 3207) and AUTH PLAIN or LOGIN (RFC 4954). The caller
/// supplies the stream, and cancels a conversation that takes too long.
/// </summary>
internal sealed class SmtpConversation(Stream stream, MailSettings settings)
{
    private const int ReplyLineMax = 1024;
    private const int ReplyLinesMax = 64;

    private readonly byte[] _buffer = new byte[4096];
    private Stream _stream = stream;
    private int _start;
    private int _end;

    /// <summary>Delivers an e-mail. When the call returns, the server has accepted it.</summary>
    /// <exception cref="SmtpException">The server did not accept it.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The TLS handshake failed.</exception>
    internal async Task DeliverAsync(Letter letter, string text, CancellationToken cancellationToken)
    {
        if (settings.Security == MailSecurity.Tls)
        {
            await SecureAsync(cancellationToken).ConfigureAwait(false);
        }
        Expect("greeting", await ReadAsync(cancellationToken).ConfigureAwait(false), 220);
        var offers = await HelloAsync(cancellationToken).ConfigureAwait(false);
        if (settings.Security == MailSecurity.StartTls)
        {
            Expect("STARTTLS", await AskAsync("STARTTLS", cancellationToken).ConfigureAwait(false), 220);
            if (_start != _end)
            {
                throw new SmtpException("the server sent clear text after it had accepted STARTTLS");
            }
            await SecureAsync(cancellationToken).ConfigureAwait(false);
            offers = await HelloAsync(cancellationToken).ConfigureAwait(false);
        }
        if (settings.UserName.Length > 0)
        {
            await AuthenticateAsync(offers, cancellationToken).ConfigureAwait(false);
        }
        Expect("MAIL FROM", await AskAsync($"MAIL FROM:<{settings.From}>", cancellationToken).ConfigureAwait(false), 250);
        Expect("RCPT TO", await AskAsync($"RCPT TO:<{letter.To}>", cancellationToken).ConfigureAwait(false), 250, 251);
        Expect("DATA", await AskAsync("DATA", cancellationToken).ConfigureAwait(false), 354);
        Expect("the letter", await AskAsync(text + ".", cancellationToken).ConfigureAwait(false), 250);
        // The e-mail is accepted; the server's reply to QUIT does not matter.
        await WriteAsync("QUIT", cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<string>> HelloAsync(CancellationToken cancellationToken)
    {
        var name = settings.From[(settings.From.LastIndexOf('@') + 1)..];
        var reply = await AskAsync($"EHLO {name}", cancellationToken).ConfigureAwait(false);
        Expect("EHLO", reply, 250);
        return reply.Lines;
    }

    private async Task AuthenticateAsync(IReadOnlyList<string> offers, CancellationToken cancellationToken)
    {
        var mechanisms = offers
            .Where(line => line.StartsWith("AUTH ", StringComparison.OrdinalIgnoreCase))
            .SelectMany(line => line.Split(' ').Skip(1))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (mechanisms.Contains("PLAIN"))
        {
            Expect(
                "AUTH PLAIN",
                await AskAsync("AUTH PLAIN " + Encode($"\0{settings.UserName}\0{settings.Password}"), cancellationToken)
                    .ConfigureAwait(false),
                235
            );
        }
        else if (mechanisms.Contains("LOGIN"))
        {
            Expect("AUTH LOGIN", await AskAsync("AUTH LOGIN", cancellationToken).ConfigureAwait(false), 334);
            Expect("AUTH LOGIN", await AskAsync(Encode(settings.UserName), cancellationToken).ConfigureAwait(false), 334);
            Expect("AUTH LOGIN", await AskAsync(Encode(settings.Password), cancellationToken).ConfigureAwait(false), 235);
        }
        else
        {
            throw new SmtpException("the server offers neither AUTH PLAIN nor AUTH LOGIN");
        }
    }

    private async Task SecureAsync(CancellationToken cancellationToken)
    {
        X509ChainPolicy policy;
        try
        {
            policy = PublicAuthorities.Policy(settings.ValidateServer ? PublicAuthorities.File : null);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or UnauthorizedAccessException)
        {
            throw new SmtpException(
                $"the trust store ({PublicAuthorities.File}) cannot be read: {unreadable.Message}",
                unreadable
            );
        }
        _stream = await TlsClient
            .ConnectAsync(
                _stream,
                new SslClientAuthenticationOptions
                {
                    TargetHost = settings.Server,
                    EnabledSslProtocols = settings.Protocols,
                    CertificateChainPolicy = policy,
                    // As on the device: without validate-server, every server certificate is accepted.
                    RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                        certificate is not null && (!settings.ValidateServer || errors == SslPolicyErrors.None),
                },
                leaveOpen: true,
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private async Task<Reply> AskAsync(string command, CancellationToken cancellationToken)
    {
        await WriteAsync(command, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task WriteAsync(string line, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"), cancellationToken).ConfigureAwait(false);
        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<Reply> ReadAsync(CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        while (lines.Count < ReplyLinesMax)
        {
            var line = await ReadLineAsync(cancellationToken).ConfigureAwait(false);
            if (
                line.Length < 3
                || !int.TryParse(line.AsSpan(0, 3), System.Globalization.NumberStyles.None, null, out var code)
                || (line.Length > 3 && line[3] is not (' ' or '-'))
            )
            {
                throw new SmtpException("the server's reply is not SMTP");
            }
            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length == 3 || line[3] == ' ')
            {
                return new Reply(code, lines);
            }
        }
        throw new SmtpException($"the server's reply has more than {ReplyLinesMax} lines");
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (true)
        {
            for (; _start < _end; _start++)
            {
                var letter = (char)_buffer[_start];
                if (letter == '\n')
                {
                    _start++;
                    return line.ToString().TrimEnd('\r');
                }
                if (line.Length >= ReplyLineMax)
                {
                    throw new SmtpException($"a line of the server's reply is longer than {ReplyLineMax} bytes");
                }
                // Server replies are logged in events, so only printable ASCII is kept.
                line.Append(letter is >= ' ' and <= '~' or '\r' ? letter : '?');
            }
            (_start, _end) = (0, await _stream.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false));
            if (_end == 0)
            {
                throw new SmtpException("the server closed the connection");
            }
        }
    }

    private static void Expect(string command, Reply reply, params ReadOnlySpan<int> wanted)
    {
        if (!wanted.Contains(reply.Code))
        {
            // The reply to a password is left out: the server may repeat what it received.
            throw new SmtpException(
                $"the server answered {command} with {reply.Code} {(command.StartsWith("AUTH", StringComparison.Ordinal) ? "" : reply.Lines[^1])}".TrimEnd()
            );
        }
    }

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private sealed record Reply(int Code, IReadOnlyList<string> Lines);
}
