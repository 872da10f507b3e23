using System.Net;
using System.Security.Authentication;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Mail;

/// <summary>The protection of the connection to the mail server: <c>set security</c>.</summary>
public enum MailSecurity
{
    /// <summary>No TLS.</summary>
    None,

    /// <summary>STARTTLS. No mail is sent to a server without it.</summary>
    StartTls,

    /// <summary>TLS from the first byte (implicit TLS).</summary>
    Tls,
}

/// <summary><c>config system email-server</c>, and the gateways of <c>config system sms-server</c>.</summary>
/// <param name="Server">Name or address; "" if none is configured, and then nothing can be sent.</param>
/// <param name="Port">The server's port.</param>
/// <param name="Security">The protection of the connection.</param>
/// <param name="ValidateServer">True if the server's certificate must be trusted by the system's trust store.</param>
/// <param name="Protocols">The allowed TLS versions; none selects the platform's default.</param>
/// <param name="UserName">The account for authentication; "" when authentication is off.</param>
/// <param name="Password">The password for authentication.</param>
/// <param name="From">The sender's address.</param>
/// <param name="Interface">The interface to send from; "" takes the first whose link is up.</param>
/// <param name="Source">The address to send from, if the interface is not named; null for any.</param>
/// <param name="SmsGateways">The mail domain of each SMS gateway, by name.</param>
public sealed record MailSettings(
    string Server,
    int Port,
    MailSecurity Security,
    bool ValidateServer,
    SslProtocols Protocols,
    string UserName,
    string Password,
    string From,
    string Interface,
    IPAddress? Source,
    IReadOnlyDictionary<string, string> SmsGateways
)
{
    /// <summary>Reads the settings from a configuration.</summary>
    public static MailSettings Read(ConfigTree config)
    {
        var server = config.Object("system email-server");
        string Value(string attribute) => server.Schema.Attribute(attribute) is null ? "" : server.Text(attribute);
        var authenticates = server.Enabled("authenticate");
        return new(
            server.Text("server"),
            (int)server.Number("port"),
            server.Text("security") switch
            {
                "starttls" => MailSecurity.StartTls,
                "smtps" => MailSecurity.Tls,
                _ => MailSecurity.None,
            },
            server.Enabled("validate-server"),
            ProtocolsFrom(server.Text("ssl-min-proto-version")),
            authenticates ? server.Text("username") : "",
            authenticates ? server.Text("password") : "",
            Sender(Value("reply-to"), server.Text("username"), config.Object("system global").Text("hostname")),
            Value("interface-select-method") == "specify" ? Value("interface") : "",
            IPAddress.TryParse(server.Text("source-ip"), out var source) && !source.Equals(IPAddress.Any) ? source : null,
            config
                .List("system sms-server")
                .Entries.ToDictionary(entry => entry.Key, entry => entry.Entry.Text("mail-server"), StringComparer.Ordinal)
        );
    }

    /// <summary>Returns the server and port, without the password.</summary>
    public override string ToString() => $"{Server}:{Port}";

    /// <summary>The sender's address: <c>reply-to</c>, the account, or a name derived from the host name (*assumed*).</summary>
    private static string Sender(string replyTo, string account, string hostName) =>
        MailAddress.IsValid(replyTo) ? replyTo
        : MailAddress.IsValid(account) ? account
        : "noreply@" + string.Concat(hostName.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-')) is { Length: > 8 } named
            ? named + ".invalid"
        : "noreply@appliance.invalid";

    /// <summary>The allowed versions, from the oldest on. Versions before TLS 1.2 are never used.</summary>
    private static SslProtocols ProtocolsFrom(string oldest) =>
        oldest == "TLSv1-3" ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13;
}

/// <summary>Validates e-mail addresses, strictly enough to use one unquoted in a command and a header.</summary>
public static class MailAddress
{
    private const int LongestAddress = 254;

    /// <summary>Returns true for <c>local@domain</c> of plain characters, at most 254 of them.</summary>
    public static bool IsValid(string address)
    {
        var at = address.LastIndexOf('@');
        return at > 0
            && at < address.Length - 1
            && address.Length <= LongestAddress
            && address[..at].All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`{|}~.".Contains(c, StringComparison.Ordinal))
            && address[(at + 1)..].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.');
    }
}
