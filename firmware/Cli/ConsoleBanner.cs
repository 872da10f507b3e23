namespace Appliance.Firmware.Cli;

/// <summary>The banners before the first prompt. The device stores them as replacement messages; these words are *assumed*.</summary>
internal static class ConsoleBanner
{
    /// <summary>The banner before the login, if <c>system global pre-login-banner</c> is on.</summary>
    internal const string BeforeLogin = "This is a lab system. Activity is recorded.\n";

    /// <summary>The banner after the login, if <c>system global post-login-banner</c> is on.</summary>
    internal const string AfterLogin = "This is a lab system. Authorized use only.\n";

    /// <summary>The prompt for the key that accepts a banner; printed at the start of a line, without a newline.</summary>
    internal const string Accept = "(Press 'a' to accept):";
}
