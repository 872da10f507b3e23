using Appliance.Firmware.Config;

namespace Appliance.Firmware.Ftm;

/// <summary><c>config system ftm-push</c>.</summary>
/// <param name="Enabled">The master switch.</param>
/// <param name="CallbackHost">The public address or name that phones call back to; "" when none is set.</param>
/// <param name="ServerPort">The port of that host.</param>
public sealed record FtmPushSettings(bool Enabled, string CallbackHost, int ServerPort)
{
    /// <summary>
    /// Reads the settings from a configuration: <c>server-ip</c>, or in releases that have it <c>server</c>, or an interface's address.
    /// </summary>
    public static FtmPushSettings From(ConfigTree config)
    {
        var settings = config.Object("system ftm-push");
        return new(settings.Enabled("status"), Host(config, settings), (int)settings.Number("server-port"));
    }

    /// <summary>True when push is enabled and phones have an address to call back.</summary>
    public bool Usable => Enabled && CallbackHost.Length > 0;

    private static string Host(ConfigTree config, ConfigObject settings)
    {
        if (settings.Schema.Attribute("server") is null)
        {
            return settings.Text("server-ip") is "0.0.0.0" ? "" : settings.Text("server-ip");
        }
        return settings.Text("server") is { Length: > 0 } server ? server
            : settings.Schema.Attribute("interface") is not null
            && config.List("system interface").Find(settings.Text("interface")) is { } source
                ? source.Text("ip")
            : "";
    }
}
