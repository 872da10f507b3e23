using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>A command of the console beyond the edit tree.</summary>
/// <param name="Words">The whole words, the verb first (<c>get system status</c>).</param>
/// <param name="Help">A line for <c>?</c>.</param>
/// <param name="Run">Runs it.</param>
public sealed record CliCommand(string Words, string Help, Func<CliCall, CliReply> Run)
{
    /// <summary>True for a command of <c>get</c> that takes words after its own (<c>get hardware nic port1</c>); <c>execute</c> and <c>diagnose</c> always may.</summary>
    public bool TakesArguments { get; init; }
}

/// <summary>One run of a command.</summary>
/// <param name="Arguments">The words after the command's own.</param>
/// <param name="Session">Who asks.</param>
public sealed record CliCall(IReadOnlyList<string> Arguments, CliSession Session);

/// <summary>What a command answers: a text (lines ended by \n), then an error, if there is one.</summary>
public sealed record CliReply(string Text, ConfigError? Error = null)
{
    /// <summary>Not null: the text is a question, and this is run when <c>y</c> is typed; anything else drops it.</summary>
    public Func<CliReply>? OnYes { get; init; }

    /// <summary>True when a batch, in which nobody can be asked, answers the question yes.</summary>
    public bool ScriptsGoOn { get; init; }

    /// <summary>
    /// Not null: the answer takes its time (a server, a round trip) and comes from here, after <see cref="Text"/>. The console serves
    /// nothing else meanwhile and holds no thread; Ctrl-C cancels it.
    /// </summary>
    public Func<CancellationToken, Task<CliReply>>? Later { get; init; }

    /// <summary>
    /// Not null: the command refreshes or streams. It hands over text (lines ended by \n) as it comes and completes with its last words, once it has
    /// shown everything or is cancelled: by <c>q</c> or Ctrl-C on a terminal, elsewhere by the end of the input. It never throws for being cancelled.
    /// </summary>
    public Func<Action<string>, CancellationToken, Task<CliReply>>? Stream { get; init; }

    /// <summary>A text and no error.</summary>
    public static implicit operator CliReply(string text) => new(text);

    /// <summary>An error and no text.</summary>
    public static implicit operator CliReply(ConfigError error) => new("", error);
}
