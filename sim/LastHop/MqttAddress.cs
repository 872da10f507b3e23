using System.Globalization;
using MQTTnet;
using MQTTnet.Formatter;

namespace Appliance.Sim.LastHop;

/// <summary>An MQTT 5 broker and how to get in.</summary>
internal sealed record MqttAddress(string Host, int Port, string? User = null, string? Password = null, bool Tls = false)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Reads <c>HOST:PORT[,user=NAME][,password=WORD][,tls]</c>.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static MqttAddress Parse(string text)
    {
        var parts = text.Split(',');
        var colon = parts[0].LastIndexOf(':');
        if (colon < 1 || !int.TryParse(parts[0].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            throw new FormatException($"'{parts[0]}' is not HOST:PORT");
        }
        var address = new MqttAddress(parts[0][..colon].Trim('[', ']'), port);
        foreach (var part in parts.Skip(1))
        {
            address = part.Split('=', 2) switch
            {
                ["user", { Length: > 0 } user] => address with { User = user },
                ["password", var password] => address with { Password = password },
                ["tls"] => address with { Tls = true },
                _ => throw new FormatException($"'{part.Split('=')[0]}' is none of user=NAME, password=WORD, tls"),
            };
        }
        return address.Password is null || address.User is not null ? address : throw new FormatException("password goes with user");
    }

    /// <summary>The options of one client.</summary>
    internal MqttClientOptions For(string clientId)
    {
        var builder = new MqttClientOptionsBuilder().WithTcpServer(Host, Port).WithProtocolVersion(MqttProtocolVersion.V500).WithClientId(clientId).WithCleanStart().WithTimeout(Patience);
        if (User is not null)
        {
            builder = builder.WithCredentials(User, Password ?? "");
        }
        return (Tls ? builder.WithTlsOptions(tls => tls.UseTls()) : builder).Build();
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
