using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary><c>config system password-policy</c>, as far as it is about administrators' passwords.</summary>
public sealed record PasswordPolicy
{
    private const int AtMost = 128;

    private readonly ConfigObject _policy;

    /// <summary>Reads it from a configuration.</summary>
    public PasswordPolicy(ConfigTree config)
    {
        _policy = config.Object("system password-policy");
        IsOn = _policy.Enabled("status") && _policy.Words("apply-to").Contains("admin-password");
    }

    /// <summary>True when it is to be obeyed.</summary>
    public bool IsOn { get; }

    /// <summary>After how long a password must be changed; null for never.</summary>
    public TimeSpan? Life => IsOn && _policy.Enabled("expire-status") ? TimeSpan.FromDays(_policy.Number("expire-day")) : null;

    /// <summary>How many earlier passwords may not come back: none, or all that are remembered, or so many.</summary>
    public int Remembered => !IsOn || _policy.Text("reuse-password") != "disable" ? 0 : Number("reuse-password-limit") is > 0 and var limit ? (int)limit : PasswordHistory.Kept;

    /// <summary>What a new password lacks, in words; null when it is good. The password is in none of them.</summary>
    /// <param name="password">The new one.</param>
    /// <param name="old">The one in force; "" for none.</param>
    public string? Lacks(string password, string old)
    {
        if (!IsOn)
        {
            return null;
        }
        var fresh = password.Distinct().Count(character => !old.Contains(character, StringComparison.Ordinal));
        return password.Length < Number("minimum-length") ? $"at least {Number("minimum-length")} characters are needed"
            : password.Length > AtMost ? $"at most {AtMost} characters are allowed"
            : password.Count(char.IsLower) < Number("min-lower-case-letter") ? $"lower case letters needed: {Number("min-lower-case-letter")}"
            : password.Count(char.IsUpper) < Number("min-upper-case-letter") ? $"upper case letters needed: {Number("min-upper-case-letter")}"
            : password.Count(char.IsDigit) < Number("min-number") ? $"digits needed: {Number("min-number")}"
            : password.Count(character => !char.IsLetterOrDigit(character)) < Number("min-non-alphanumeric") ? $"characters that are neither letters nor digits needed: {Number("min-non-alphanumeric")}"
            : old.Length > 0 && fresh < Math.Max(Number("min-change-characters"), _policy.Schema.Attribute("change-4-characters") is not null && _policy.Enabled("change-4-characters") ? 4 : 0) ? "too few characters differ from the old password"
            : null;
    }

    /// <summary>A limit; 0 where the release has none.</summary>
    private long Number(string attribute) => _policy.Schema.Attribute(attribute) is null ? 0 : _policy.Number(attribute);
}
