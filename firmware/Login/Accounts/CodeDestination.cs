using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login.Accounts;

/// <summary>The channel that delivers a one-time code: <c>two-factor email</c> or <c>two-factor sms</c>.</summary>
public enum CodeChannel
{
    /// <summary>An e-mail to <c>email-to</c>.</summary>
    Email,

    /// <summary>A text message to <c>sms-phone</c>.</summary>
    Sms,
}

/// <summary>The destination of a user's one-time codes, and the life of each.</summary>
/// <param name="Channel">E-mail or text message.</param>
/// <param name="Address">The e-mail address or the telephone number; never empty.</param>
/// <param name="SmsServer">The entry of <c>system sms-server</c> that sends the message; "" for the vendor's service, and for
/// e-mail.</param>
/// <param name="Life"><c>two-factor-email-expiry</c> or <c>two-factor-sms-expiry</c>.</param>
public sealed record CodeDestination(CodeChannel Channel, string Address, string SmsServer, TimeSpan Life)
{
    /// <summary>
    /// Reads the destination from an entry of <c>user local</c> (or <c>system admin</c>, which has the same attributes). Null if its second
    /// factor is another one, or if it has no address: no code can reach the user then, and the login must be refused.
    /// </summary>
    public static CodeDestination? From(ConfigTree config, ConfigObject user)
    {
        var global = config.Object("system global");
        return user.Text("two-factor") switch
        {
            "email" when user.Text("email-to") is { Length: > 0 } address => new(
                CodeChannel.Email,
                address,
                "",
                TimeSpan.FromSeconds(global.Number("two-factor-email-expiry"))
            ),
            "sms" when user.Text("sms-phone") is { Length: > 0 } number => new(
                CodeChannel.Sms,
                number,
                user.Text("sms-server") == "custom" ? user.Text("sms-custom-server") : "",
                TimeSpan.FromSeconds(global.Number("two-factor-sms-expiry"))
            ),
            _ => null,
        };
    }
}
