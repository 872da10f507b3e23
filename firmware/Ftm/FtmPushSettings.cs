using Appliance.Firmware.Config;

namespace Appliance.Firmware.Ftm;

/// <summary><c>config system ftm-push</c>.</summary>
/// <param name="Enabled">The master switch.</param>
/// <param name="ServerIp">The public address that phones call back to; "0.0.0.0" when none is set.</param>
/// <param name="ServerPort">The port there.</param>
public sealed record FtmPushSettings(bool Enabled, string ServerIp, int ServerPort)
{
    /// <summary>Reads them from a configuration.</summary>
    public static FtmPushSettings From(ConfigTree config)
    {
        var settings = config.Object("system ftm-push");
        return new(settings.Enabled("status"), settings.Text("server-ip"), (int)settings.Number("server-port"));
    }

    /// <summary>True when phones know where to call back to.</summary>
    public bool Usable => Enabled && ServerIp is not ("" or "0.0.0.0");
}
