using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Enrolment;

/// <summary>What a phone presents to activate a token.</summary>
/// <param name="ActivationCode">The code that its owner got; case, blanks and hyphens do not matter.</param>
/// <param name="RegistrationId">Under which the push cloud knows the phone: 1 to 256 visible ASCII characters. Becomes <c>reg-id</c>.</param>
/// <param name="OsVersion">What the phone says of itself: 1 to 15 visible ASCII characters and blanks. Becomes <c>os-ver</c>.</param>
public sealed record PhoneEnrolment(string ActivationCode, string RegistrationId, string OsVersion)
{
    private const int CodeLengthMax = 64;
    private const int RegistrationIdMax = 256;
    private const int OsVersionMax = 15;

    /// <summary>Null when it can be looked at; else what is wrong with it.</summary>
    internal string? Mistake =>
        ActivationCode.Length is 0 or > CodeLengthMax ? $"the activation code must have 1 to {CodeLengthMax} characters"
        : RegistrationId.Length is 0 or > RegistrationIdMax || !RegistrationId.All(c => c is > ' ' and <= '~' and not ('"' or '\\' or '<' or '>' or '\'' or '(' or ')' or '#')) ? $"the registration id must have 1 to {RegistrationIdMax} plain characters"
        : OsVersion.Length is 0 or > OsVersionMax || !OsVersion.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '-' or '_') ? $"the version must have 1 to {OsVersionMax} plain characters"
        : null;

    /// <summary>Says nothing of the code.</summary>
    public override string ToString() => $"enrolment of {OsVersion}";
}

/// <summary>What the phone is told.</summary>
/// <param name="ErrorCode">0 for success; 40 for a code that activates nothing, as the vendor's service says; 1 when the unit could not do it now.</param>
/// <param name="Message">Why not; "" for success.</param>
/// <param name="Serial">With success: the token.</param>
/// <param name="Seed">With success: its seed, told this once.</param>
/// <param name="User">With success: whose it is.</param>
public sealed record EnrolmentAnswer(int ErrorCode, string Message, string Serial = "", TokenSeed? Seed = null, string User = "")
{
    /// <summary>The vendor's "activation code invalid".</summary>
    public const int CodeInvalid = 40;

    /// <summary>The unit could not store it; the code still stands.</summary>
    public const int NotNow = 1;
}
