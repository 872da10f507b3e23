using System.Globalization;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// <c>execute batch</c>: lines are kept from <c>start</c> on and run by <c>end</c>; what they show is not shown, <c>lastlog</c> has their
/// return codes, a line each (<c>-61: config nothing</c>). The words of <c>status</c> are *assumed*, and that a command that asks is answered no, but
/// <c>purge</c>, which is answered by the next line if that is <c>y</c> or <c>n</c>, and else yes.
/// </summary>
/// <param name="run">
/// Runs a line of the session, to its answer, with the line after it when that could be the answer to a question; its return code, 0 when it went well, the
/// line without a secret, and whether the line after it was used.
/// </param>
internal sealed class CliBatch(Func<string, string?, CancellationToken, Task<(int Code, string Shown, bool Answered)>> run)
{
    private const int CharactersMax = 1024 * 1024;
    private readonly List<string> _lines = [];
    private readonly List<(int Code, string Line)> _log = [];
    private int _characters;

    /// <summary>True while lines are kept and not run.</summary>
    internal bool IsKeeping { get; private set; }

    /// <summary>True while the lines that were kept are run.</summary>
    internal bool IsRunning { get; private set; }

    /// <summary>The commands, for the session that they belong to.</summary>
    internal IReadOnlyList<CliCommand> Commands =>
    [
        new("execute batch start", "Keep commands and run none.", call => NoArguments(call) ?? Start(call)),
        new("execute batch end", "Run the commands that were kept.", call => NoArguments(call) ?? (IsKeeping ? new CliReply("") { Later = EndAsync } : new ConfigError(-1, "batch mode is off"))),
        new("execute batch status", "Show whether commands are kept.", call => NoArguments(call) ?? Status()),
        new("execute batch lastlog", "Show the return codes of the last run.", call => NoArguments(call) ?? string.Concat(_log.Select(line => $"{line.Code}: {line.Line}\n"))),
    ];

    /// <summary>Keeps a line; an error when there is no room for it.</summary>
    internal ConfigError? Keep(string line)
    {
        if (_characters + line.Length + 1 > CharactersMax)
        {
            return new ConfigError(-1, $"string value is too long. the size is {_characters + line.Length + 1}, the limit is {CharactersMax}");
        }
        _characters += line.Length + 1;
        _lines.Add(line);
        return null;
    }

    private static CliReply? NoArguments(CliCall call) => call.Arguments.Count == 0 ? (CliReply?)null : CliPaths.ParseError(call.Arguments[0]);

    private CliReply Start(CliCall call)
    {
        if (call.Session.Workspace.Transaction > 0)
        {
            return new ConfigError(-1, "batch mode cannot be used in a config transaction");
        }
        Forget();
        IsKeeping = true;
        return "";
    }

    private async Task<CliReply> EndAsync(CancellationToken cancellationToken)
    {
        string[] lines = [.. _lines];
        Forget();
        _log.Clear();
        IsRunning = true;
        try
        {
            for (var at = 0; at < lines.Length; at++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var line = lines[at];
                var answer = at + 1 < lines.Length && lines[at + 1].Trim() is "y" or "Y" or "n" or "N" ? lines[at + 1].Trim() : null;
                var (code, shown, answered) = await run(line, answer, cancellationToken).ConfigureAwait(false);
                if (line.AsSpan().Trim() is not [] and not ['#', ..])
                {
                    _log.Add((code, shown));
                }
                at += answered ? 1 : 0;
            }
        }
        finally
        {
            IsRunning = false;
        }
        return "";
    }

    private CliReply Status() => string.Create(CultureInfo.InvariantCulture, $"batch mode: {(IsKeeping ? "on" : "off")}, commands kept: {_lines.Count}, last run: {_log.Count}, failed: {_log.Count(line => line.Code != 0)}\n");

    /// <summary>Forgets everything: what one administrator kept is not the next one's.</summary>
    internal void Reset()
    {
        Forget();
        _log.Clear();
    }

    private void Forget()
    {
        IsKeeping = false;
        _lines.Clear();
        _characters = 0;
    }
}
