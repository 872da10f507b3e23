using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Login;

/// <summary>
/// <c>two-factor fortitoken-cloud</c>: the vendor's hosted service, for which a lab unit has no licence. A login that requires it is
/// refused with the event that the vendor lists for a failed cloud login (53050; its texts and level are *assumed*).
/// </summary>
public static class CloudFactor
{
    /// <summary>The reason for the refusal, as a log token.</summary>
    public const string Reason = "fortitoken_cloud_not_licensed";

    /// <summary>Creates the event of a refused login.</summary>
    public static EventEntry Refused(string user, IPAddress source) =>
        new(
            "0102053050",
            "user",
            EventLevel.Error,
            "FortiToken Cloud authentication failed",
            ("srcip", source.ToString()),
            ("user", user),
            ("action", "authentication"),
            ("status", "failure"),
            ("reason", Reason),
            ("msg", $"User {user} needs FortiToken Cloud, which is not licensed on this unit")
        );
}
