using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>A console command outside the edit tree.</summary>
/// <param name="Words">The full words, verb first (<c>get system status</c>).</param>
/// <param name="Help">The line that <c>?</c> prints.</param>
/// <param name="Run">Runs the command.</param>
public sealed record CliCommand(string Words, string Help, Func<CliCall, CliReply> Run)
{
    /// <summary>
    /// True for a <c>get</c> command that takes arguments (<c>get hardware nic port1</c>); <c>execute</c> and <c>diagnose</c> commands
    /// always may.
    /// </summary>
    public bool TakesArguments { get; init; }
}

/// <summary>One invocation of a command.</summary>
/// <param name="Arguments">The words after the command's own.</param>
/// <param name="Session">The session that runs the command.</param>
public sealed record CliCall(IReadOnlyList<string> Arguments, CliSession Session);

/// <summary>The result of a command: text (lines ended by \n), then an error, if any.</summary>
public sealed record CliReply(string Text, ConfigError? Error = null)
{
    /// <summary>Not null if the text is a confirmation prompt: runs when <c>y</c> is entered. Any other input drops it.</summary>
    public Func<CliReply>? OnYes { get; init; }

    /// <summary>True if a batch, which has no user to prompt, answers the prompt with yes.</summary>
    public bool ScriptsGoOn { get; init; }

    /// <summary>
    /// Not null if the result is not available yet (a server, a round trip): produces it after <see cref="Text"/>. Meanwhile the console
    /// runs no other command and holds no thread. Ctrl-C cancels it.
    /// </summary>
    public Func<CancellationToken, Task<CliReply>>? Later { get; init; }

    /// <summary>
    /// Not null if the command refreshes or streams. It passes on text (lines ended by \n) as it arrives, and completes with its final
    /// reply when it has shown everything or is cancelled: by <c>q</c> or Ctrl-C on a terminal, otherwise by the end of the input. It
    /// never throws because of the cancellation.
    /// </summary>
    public Func<Action<string>, CancellationToken, Task<CliReply>>? Stream { get; init; }

    /// <summary>A reply with text and no error.</summary>
    public static implicit operator CliReply(string text) => new(text);

    /// <summary>A reply with an error and no text.</summary>
    public static implicit operator CliReply(ConfigError error) => new("", error);
}
