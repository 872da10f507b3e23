namespace Appliance.Firmware.Config;

/// <summary>
/// An administrator's error as a value: the lines that the device prints (without the trailing <c>Command fail. Return code N</c>) and
/// the return code. Nothing has changed if one is returned.
/// </summary>
/// <param name="Code">The device's return code, for example -61 or -651.</param>
/// <param name="Lines">The lines before the return code, in order; never a secret.</param>
public sealed record ConfigError(int Code, params IReadOnlyList<string> Lines)
{
    /// <summary>The error for a command that needs more words.</summary>
    internal static readonly ConfigError Incomplete = new(-160, "incomplete command in the end");

    /// <summary>The whole text as the console shows it, without a trailing newline.</summary>
    public string Text => string.Join('\n', [.. Lines, $"Command fail. Return code {Code}"]);
}
