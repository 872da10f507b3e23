using Appliance.Firmware.Config;

namespace Appliance.Firmware.Vpn;

/// <summary>What <c>vpn ssl settings</c> says of sessions.</summary>
/// <param name="IdleTimeout">A session that is not used for so long ends; zero: never.</param>
/// <param name="AuthTimeout">A session ends after so long; zero: never.</param>
/// <param name="CheckSource">True when a session is good from the address of its login only.</param>
/// <param name="Dns">The name server that clients are told; "" for none.</param>
/// <param name="Personality">The release that clients are told.</param>
public sealed record VpnSettings(TimeSpan IdleTimeout, TimeSpan AuthTimeout, bool CheckSource, string Dns, Personality Personality)
{
    /// <summary>Reads them from a configuration.</summary>
    public static VpnSettings From(ConfigTree config)
    {
        var settings = config.Object("vpn ssl settings");
        // Gone with the tunnel in 7.6.3: what is left there is the web mode.
        var dns = settings.Schema.Attribute("dns-server1") is null || settings.Text("dns-server1") is "0.0.0.0" ? "" : settings.Text("dns-server1");
        return new(
            TimeSpan.FromSeconds(settings.Number("idle-timeout")), TimeSpan.FromSeconds(settings.Number("auth-timeout")),
            settings.Enabled("auth-session-check-source-ip"), dns, config.Schema.Personality);
    }
}
