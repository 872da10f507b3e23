using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Certificates;
using MQTTnet;
using MQTTnet.Formatter;

namespace Appliance.Doubles.LastHop;

/// <summary>The address of an MQTT 5 broker and the credentials for it.</summary>
/// <param name="Host">The broker's name or address, which its certificate must contain.</param>
/// <param name="Port">The broker's port.</param>
/// <param name="User">The user name; null for none.</param>
/// <param name="Password">The password; null for none.</param>
/// <param name="Tls">True: connect over TLS.</param>
/// <param name="Ca">A PEM file with the only trusted CA; null trusts the system's CAs.</param>
internal sealed record MqttAddress(string Host, int Port, string? User = null, string? Password = null, bool Tls = false, string? Ca = null)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Reads <c>HOST:PORT[,user=NAME][,password=WORD][,tls][,ca=FILE]</c>; a CA file implies TLS. A value with a comma is enclosed in
    /// double quotes; in quotes, a backslash escapes the next character.
    /// </summary>
    /// <exception cref="FormatException">The text is invalid; the message gives the reason, without a password.</exception>
    public static MqttAddress Parse(string text)
    {
        var parts = Split(text);
        var colon = parts[0].LastIndexOf(':');
        if (
            colon < 1
            || !int.TryParse(parts[0].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535
        )
        {
            throw new FormatException($"'{parts[0]}' is not HOST:PORT (expected a port from 1 to 65535)");
        }
        var address = new MqttAddress(parts[0][..colon].Trim('[', ']'), port);
        foreach (var part in parts.Skip(1))
        {
            address = part.Split('=', 2) switch
            {
                ["user", { Length: > 0 } user] => address with { User = user },
                ["password", var password] => address with { Password = password },
                ["tls"] => address with { Tls = true },
                ["ca", { Length: > 0 } file] => address with { Tls = true, Ca = file },
                ["user" or "ca"] or ["user" or "ca", _] => throw new FormatException(
                    $"option '{part.Split('=')[0]}' has no value (expected {part.Split('=')[0]}=...)"
                ),
                _ => throw new FormatException($"unknown option '{part.Split('=')[0]}' (expected user=, password=, tls or ca=)"),
            };
        }
        return address.Password is null || address.User is not null ? address : throw new FormatException("password requires user");
    }

    /// <summary>Returns the same address with the CA loaded from its file.</summary>
    /// <exception cref="FormatException">The file cannot be read, or contains no certificate.</exception>
    public MqttAddress WithAuthority()
    {
        if (Ca is null)
        {
            return this;
        }
        try
        {
            return this with { Authority = X509Certificate2.CreateFromPem(File.ReadAllText(Ca)) };
        }
        catch (Exception wrong)
            when (wrong
                    is IOException
                        or UnauthorizedAccessException
                        or CryptographicException
                        or ArgumentException
                        or NotSupportedException
            )
        {
            throw new FormatException($"ca: {wrong.Message} (expected a PEM file of a certificate)", wrong);
        }
    }

    /// <summary>Returns host and port, without the password.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    internal X509Certificate2? Authority { get; init; }

    /// <summary>Splits a text at unquoted commas and removes the quotes.</summary>
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        var part = new StringBuilder();
        var quoted = false;
        for (var at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '"':
                    quoted = !quoted;
                    break;
                case '\\' when quoted && at + 1 < text.Length:
                    part.Append(text[++at]);
                    break;
                case ',' when !quoted:
                    parts.Add(part.ToString());
                    part.Clear();
                    break;
                default:
                    part.Append(text[at]);
                    break;
            }
        }
        parts.Add(part.ToString());
        return quoted ? throw new FormatException("a quote is not closed") : parts;
    }

    /// <summary>The options of one client.</summary>
    internal MqttClientOptions For(string clientId)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(Host, Port)
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId(clientId)
            .WithCleanStart()
            .WithTimeout(Patience);
        if (User is not null)
        {
            builder = builder.WithCredentials(User, Password ?? "");
        }
        return (Tls ? builder.WithTlsOptions(Secure) : builder).Build();
    }

    private void Secure(MqttClientTlsOptionsBuilder tls)
    {
        tls.UseTls().WithTargetHost(Host);
        if (Authority is { } authority)
        {
            // A broker does not follow the lab's clock.
            tls.WithCertificateValidationHandler(shown =>
                TrustedPeer.Refusal(shown.Certificate as X509Certificate2, shown.Chain, [authority], Host, LabClock.Wall.GetUtcNow())
                    is null
            );
        }
    }
}
