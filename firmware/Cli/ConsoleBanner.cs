namespace Appliance.Firmware.Cli;

/// <summary>Texts that stand before the first prompt. The device keeps them as replacement messages; these words are *assumed*.</summary>
internal static class ConsoleBanner
{
    /// <summary>Before the login, when <c>system global pre-login-banner</c> is on.</summary>
    internal const string BeforeLogin = "This is a lab system. Whatever is done here is written down.\n";

    /// <summary>After the login, when <c>system global post-login-banner</c> is on.</summary>
    internal const string AfterLogin = "This is a lab system. Use it only if you may.\n";

    /// <summary>Asks for the one key that goes on; it stands at the start of a line, without a newline.</summary>
    internal const string Accept = "(Press 'a' to accept):";
}
