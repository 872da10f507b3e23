using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Firmware.Mail;

/// <summary>
/// Sends e-mails and text messages through <c>system email-server</c>. A text message is an e-mail to the domain of an SMS gateway. Several
/// can be in progress concurrently. Messages are neither queued nor retried. Thread-safe.
/// </summary>
public sealed class MailService(IReadOnlyList<INic> nics, TimeProvider time) : IConfigSubscriber, IDisposable
{
    /// <summary>Maximum number of concurrent e-mails; any further one fails.</summary>
    private const int UnderWayMax = 64;

    /// <summary>Time limit from the connection to the server's last reply.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _stopping = new();
    private volatile MailSettings? _settings;
    private int _underWay;

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        _settings = MailSettings.Read(next);
        return null;
    }

    /// <summary>Sends an e-mail. Returns null when the server accepted it, otherwise the cause for an event. Never throws.</summary>
    public async Task<string?> SendAsync(Letter letter)
    {
        if (_settings is not { Server.Length: > 0 } settings)
        {
            return "no mail server is set (system email-server)";
        }
        if (!MailAddress.IsValid(letter.To))
        {
            return "the address is not one";
        }
        if (Interlocked.Increment(ref _underWay) > UnderWayMax)
        {
            Interlocked.Decrement(ref _underWay);
            return "too many letters are under way";
        }
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stopping.Token);
            return await DeliverAsync(settings, letter, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return _stopping.IsCancellationRequested
                ? "the unit is stopping"
                : $"{settings} did not answer within {(int)Patience.TotalSeconds} s";
        }
        catch (ObjectDisposedException)
        {
            return "the unit is stopping";
        }
        catch (Exception error) when (error is IOException or AuthenticationException or System.Net.Sockets.SocketException)
        {
            return $"{settings}: {error.Message}";
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <summary>
    /// Sends a text message through the gateway of that name. Returns null when it was accepted, otherwise the cause for an event. Never
    /// throws.
    /// </summary>
    /// <param name="gateway">An entry of <c>system sms-server</c>; "" for the vendor's service, for which a lab unit has no
    /// licence.</param>
    /// <param name="number">The telephone number: digits, optionally with a leading plus.</param>
    /// <param name="text">The message.</param>
    public Task<string?> SendMessageAsync(string gateway, string number, string text)
    {
        var digits = number.StartsWith('+') ? number[1..] : number;
        return gateway.Length == 0 ? Task.FromResult<string?>("FortiGuard messaging is not licensed on this unit (set sms-server custom)")
            : _settings?.SmsGateways.GetValueOrDefault(gateway) is not { Length: > 0 } domain
                ? Task.FromResult<string?>($"the SMS server {gateway} has no mail-server")
            : digits.Length is < 3 or > 15 || !digits.All(char.IsAsciiDigit) ? Task.FromResult<string?>("the number is not one")
            : SendAsync(new Letter($"{digits}@{domain}", "", text));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task<string?> DeliverAsync(MailSettings settings, Letter letter, CancellationToken cancellationToken)
    {
        if (NicFor(settings) is not { } nic)
        {
            return "no interface is up to send it from";
        }
        // *Assumed*: names are resolved by the system's resolver, because the unit has no DNS client.
        var address = IPAddress.TryParse(settings.Server, out var literal)
            ? literal
            : (await Dns.GetHostAddressesAsync(settings.Server, cancellationToken).ConfigureAwait(false))[0];
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var stream = new ConnectionStream(
            await nic.ConnectAsync(new IPEndPoint(address, settings.Port), cancellationToken).ConfigureAwait(false)
        );
        await using (stream.ConfigureAwait(false))
        {
            await new SmtpConversation(stream, settings)
                .DeliverAsync(letter, letter.Format(settings.From, time.GetUtcNow(), id), cancellationToken)
                .ConfigureAwait(false);
        }
        return null;
    }

    private INic? NicFor(MailSettings settings) =>
        nics.FirstOrDefault(nic =>
            nic.CanServe
            && (settings.Interface.Length == 0 || nic.Name == settings.Interface)
            && (settings.Source is null || nic.Addresses.Contains(settings.Source))
        );
}
