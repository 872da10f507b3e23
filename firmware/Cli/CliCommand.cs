using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// A console command outside the edit tree. The console checks the permission, then the number of arguments, before it runs the command.
/// </summary>
/// <param name="Words">The full words, verb first (<c>get system status</c>).</param>
/// <param name="Help">The line that <c>?</c> prints.</param>
/// <param name="Permission">The access that an administrator needs. It is never inherited from a shorter command.</param>
/// <param name="Arguments">The number of words that may follow the command's own.</param>
/// <param name="Run">Runs the command. Must not block: a command that waits returns <see cref="CliReply.Later"/>.</param>
public sealed record CliCommand(string Words, string Help, RequiredAccess Permission, CliArguments Arguments, Func<CliCall, CliReply> Run);

/// <summary>A part of the unit with console commands.</summary>
internal interface ICommandSource
{
    /// <summary>The commands, in the order in which <c>tree</c> lists them.</summary>
    IReadOnlyList<CliCommand> Commands { get; }
}

/// <summary>The number of words that a command takes after its own.</summary>
/// <param name="Least">The minimum.</param>
/// <param name="Most">The maximum.</param>
public readonly record struct CliArguments(int Least, int Most)
{
    /// <summary>No arguments.</summary>
    public static readonly CliArguments None = new(0, 0);

    /// <summary>Exactly one argument.</summary>
    public static readonly CliArguments One = new(1, 1);

    /// <summary>One argument or none.</summary>
    public static readonly CliArguments Optional = new(0, 1);

    /// <summary>Any number of arguments, or none.</summary>
    public static readonly CliArguments Rest = new(0, int.MaxValue);

    /// <summary>Creates an exact number of arguments.</summary>
    public static CliArguments Exactly(int count) => new(count, count);

    /// <summary>Creates a minimum number of arguments, without a maximum.</summary>
    public static CliArguments AtLeast(int count) => new(count, int.MaxValue);

    /// <summary>Returns null for an accepted number of words, otherwise the error.</summary>
    internal ConfigError? Check(IReadOnlyList<string> words) =>
        words.Count < Least ? ConfigError.Incomplete
        : words.Count > Most ? CliPaths.ParseError(words[Most])
        : null;
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
