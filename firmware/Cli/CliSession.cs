namespace Appliance.Firmware.Cli;

/// <summary>One administrator at a console: the edit state, the prompt, and what each line answers.</summary>
public sealed class CliSession
{
    /// <summary>The prompt now, for example <c>FortiLab (port1) # </c>.</summary>
    public string Prompt { get; } = "";

    /// <summary>True after <c>exit</c> at the root.</summary>
    public bool Closed { get; }

    /// <summary>Executes one line (without its newline); returns what is printed, lines ended by \n, or "".</summary>
    public string Execute(string line) => throw new NotSupportedException(line);
}
