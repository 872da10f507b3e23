using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Enrolment;

/// <summary>The data that a phone receives at enrolment. Never logged, never displayed.</summary>
public sealed record TokenActivation(
    string Serial,
    byte[] Seed,
    TimeSpan Step,
    int Digits,
    string RegistrationId,
    string OsVersion,
    string? User
)
{
    /// <summary>Returns the enrolment data of a configuration's mobile tokens in its order, without tokens that have no seed.</summary>
    public static IReadOnlyList<TokenActivation> Of(ConfigTree config)
    {
        var users = config
            .List("user local")
            .Entries.Where(user => user.Entry.Text("two-factor") == "fortitoken")
            .ToLookup(user => user.Entry.Text("fortitoken"), user => user.Key, StringComparer.Ordinal);
        return
        [
            .. config
                .List("user fortitoken")
                .Entries.Where(entry => entry.Key.StartsWith("FTKMOB", StringComparison.Ordinal))
                .Select(entry => Token.From(entry.Key, entry.Entry))
                .Where(token => token.Seed is not null)
                .Select(token => new TokenActivation(
                    token.Serial,
                    [.. token.Seed!.Secret],
                    token.Seed.Step,
                    token.Seed.Digits,
                    token.RegistrationId,
                    token.OsVersion,
                    users[token.Serial].FirstOrDefault()
                )),
        ];
    }
}
