using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>The part of <c>config system password-policy</c> that applies to administrators' passwords.</summary>
public sealed record PasswordPolicy
{
    private const int AtMost = 128;

    private readonly ConfigObject _policy;

    /// <summary>Reads the policy from a configuration.</summary>
    public PasswordPolicy(ConfigTree config)
    {
        _policy = config.Object("system password-policy");
        IsOn = _policy.Enabled("status") && _policy.Words("apply-to").Contains("admin-password");
    }

    /// <summary>True if the policy is in force.</summary>
    public bool IsOn { get; }

    /// <summary>The maximum age of a password; null for no limit.</summary>
    public TimeSpan? Life => IsOn && _policy.Enabled("expire-status") ? TimeSpan.FromDays(_policy.Number("expire-day")) : null;

    /// <summary>The number of earlier passwords that may not be reused: none, all that are stored, or the configured limit.</summary>
    public int Remembered =>
        !IsOn || _policy.Text("reuse-password") != "disable" ? 0
        : Number("reuse-password-limit") is > 0 and var limit ? (int)limit
        : PasswordHistory.Kept;

    /// <summary>
    /// Returns the requirement that a new password does not meet, in words without the password; null if it meets all of them.
    /// </summary>
    /// <param name="password">The new password.</param>
    /// <param name="old">The password in force; "" for none.</param>
    public string? Lacks(string password, string old)
    {
        if (!IsOn)
        {
            return null;
        }
        var fresh = password.Distinct().Count(character => !old.Contains(character, StringComparison.Ordinal));
        return password.Length < Number("minimum-length") ? $"at least {Number("minimum-length")} characters are needed"
            : password.Length > AtMost ? $"at most {AtMost} characters are allowed"
            : password.Count(char.IsLower) < Number("min-lower-case-letter")
                ? $"lower case letters needed: {Number("min-lower-case-letter")}"
            : password.Count(char.IsUpper) < Number("min-upper-case-letter")
                ? $"upper case letters needed: {Number("min-upper-case-letter")}"
            : password.Count(char.IsDigit) < Number("min-number") ? $"digits needed: {Number("min-number")}"
            : password.Count(character => !char.IsLetterOrDigit(character)) < Number("min-non-alphanumeric")
                ? $"characters that are neither letters nor digits needed: {Number("min-non-alphanumeric")}"
            : old.Length > 0
            && fresh
                < Math.Max(
                    Number("min-change-characters"),
                    _policy.Schema.Attribute("change-4-characters") is not null && _policy.Enabled("change-4-characters") ? 4 : 0
                )
                ? "too few characters differ from the old password"
            : null;
    }

    /// <summary>Returns a limit; 0 if the release does not have it.</summary>
    private long Number(string attribute) => _policy.Schema.Attribute(attribute) is null ? 0 : _policy.Number(attribute);
}
