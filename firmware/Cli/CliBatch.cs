using System.Globalization;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>
/// <c>execute batch</c>: lines are stored from <c>start</c> on and run by <c>end</c>. Their output is discarded; <c>lastlog</c> lists
/// their return codes, one line each (<c>-61: config nothing</c>). The wording of <c>status</c> is *assumed*, and so is the answer to a
/// confirmation prompt: no, except for <c>purge</c>, which takes the next line if that is <c>y</c> or <c>n</c>, and yes otherwise.
/// </summary>
/// <param name="run">
/// Runs a line of the session to completion. The second argument is the line after it if that could answer a prompt. Returns the return
/// code (0 for success), the line without its secret, and true if the line after it was consumed as the answer.
/// </param>
internal sealed class CliBatch(Func<string, string?, CancellationToken, Task<(int Code, string Shown, bool Answered)>> run) : ICommandSource
{
    private const int CharactersMax = 1024 * 1024;
    private readonly List<string> _lines = [];
    private readonly List<(int Code, string Line)> _log = [];
    private int _characters;

    /// <summary>The batch commands of the session.</summary>
    public IReadOnlyList<CliCommand> Commands =>
        [
            new("execute batch start", "Store commands without running them.", Permissions.Maintenance.Write, CliArguments.None, Start),
            new(
                "execute batch end",
                "Run the stored commands.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                _ => IsKeeping ? new CliReply("") { Later = EndAsync } : new ConfigError(-1, "batch mode is off")
            ),
            new(
                "execute batch status",
                "Show whether commands are stored.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                _ => Status()
            ),
            new(
                "execute batch lastlog",
                "Show the return codes of the last run.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                _ => string.Concat(_log.Select(line => $"{line.Code}: {line.Line}\n"))
            ),
        ];

    /// <summary>True while lines are stored instead of run.</summary>
    internal bool IsKeeping { get; private set; }

    /// <summary>True while the stored lines run.</summary>
    internal bool IsRunning { get; private set; }

    /// <summary>Stores a line; returns an error if the batch would exceed its size limit.</summary>
    internal ConfigError? Keep(string line)
    {
        if (_characters + line.Length + 1 > CharactersMax)
        {
            return new ConfigError(
                -1,
                $"string value is too long. the size is {_characters + line.Length + 1}, the limit is {CharactersMax}"
            );
        }
        _characters += line.Length + 1;
        _lines.Add(line);
        return null;
    }

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

    private CliReply Status() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"batch mode: {(IsKeeping ? "on" : "off")}, commands kept: {_lines.Count}, last run: {_log.Count}, failed: {_log.Count(line => line.Code != 0)}\n"
        );

    /// <summary>Discards the stored lines and the log, so that the next administrator does not see them.</summary>
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
