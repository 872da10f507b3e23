using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Enrolment;

/// <summary>A phone's request to activate a token.</summary>
/// <param name="ActivationCode">The code that the user received; case, blanks and hyphens do not matter.</param>
/// <param name="RegistrationId">The phone's identifier at the push cloud: 1 to 256 visible ASCII characters. Becomes <c>reg-id</c>.</param>
/// <param name="OsVersion">The phone's description of its system: 1 to 15 visible ASCII characters and blanks. Becomes
/// <c>os-ver</c>.</param>
public sealed record PhoneEnrolment(string ActivationCode, string RegistrationId, string OsVersion)
{
    private const int CodeLengthMax = 64;
    private const int RegistrationIdMax = 256;
    private const int OsVersionMax = 15;

    /// <summary>Returns a text without the code.</summary>
    public override string ToString() => $"enrolment of {OsVersion}";

    /// <summary>The first error in the request; null if it is well formed.</summary>
    internal string? Mistake =>
        ActivationCode.Length is 0 or > CodeLengthMax ? $"the activation code must have 1 to {CodeLengthMax} characters"
        : RegistrationId.Length is 0 or > RegistrationIdMax
        || !RegistrationId.All(c => c is > ' ' and <= '~' and not ('"' or '\\' or '<' or '>' or '\'' or '(' or ')' or '#'))
            ? $"the registration id must have 1 to {RegistrationIdMax} plain characters"
        : OsVersion.Length is 0 or > OsVersionMax || !OsVersion.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '-' or '_')
            ? $"the version must have 1 to {OsVersionMax} plain characters"
        : null;
}

/// <summary>The response to an enrolment.</summary>
/// <param name="ErrorCode">0 for success; 40 for a code that activates nothing, as in the vendor's service; 1 if the unit could not store
/// it now.</param>
/// <param name="Message">The reason of a failure; "" on success.</param>
/// <param name="Serial">The token, on success.</param>
/// <param name="Seed">The token's seed, on success. It is sent only this once.</param>
/// <param name="User">The token's user, on success.</param>
public sealed record EnrolmentAnswer(int ErrorCode, string Message, string Serial = "", TokenSeed? Seed = null, string User = "")
{
    /// <summary>The vendor's "activation code invalid".</summary>
    public const int CodeInvalid = 40;

    /// <summary>The unit could not store the activation; the code remains valid.</summary>
    public const int NotNow = 1;
}
