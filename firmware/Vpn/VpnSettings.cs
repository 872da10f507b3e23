using Appliance.Firmware.Config;

namespace Appliance.Firmware.Vpn;

/// <summary>The session settings of <c>vpn ssl settings</c>.</summary>
/// <param name="IdleTimeout">The idle time after which a session ends; zero: no limit.</param>
/// <param name="AuthTimeout">The maximum duration of a session; zero: no limit.</param>
/// <param name="CheckSource">True when a session is valid only from the address of its login.</param>
/// <param name="Dns">The DNS server assigned to clients; "" for none.</param>
/// <param name="Personality">The release profile that is reported to clients.</param>
public sealed record VpnSettings(TimeSpan IdleTimeout, TimeSpan AuthTimeout, bool CheckSource, string Dns, Personality Personality)
{
    /// <summary>Reads the settings from a configuration.</summary>
    public static VpnSettings From(ConfigTree config)
    {
        var settings = config.Object("vpn ssl settings");
        // Removed with tunnel mode in 7.6.3; only web mode remains there.
        var dns =
            settings.Schema.Attribute("dns-server1") is null || settings.Text("dns-server1") is "0.0.0.0"
                ? ""
                : settings.Text("dns-server1");
        return new(
            TimeSpan.FromSeconds(settings.Number("idle-timeout")),
            TimeSpan.FromSeconds(settings.Number("auth-timeout")),
            settings.Enabled("auth-session-check-source-ip"),
            dns,
            config.Schema.Personality
        );
    }
}
