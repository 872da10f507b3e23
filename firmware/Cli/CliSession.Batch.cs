using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <content>The lines of <c>execute batch</c>.</content>
public sealed partial class CliSession
{
    /// <summary>True for a line that is never stored in a batch, because it controls the batch.</summary>
    private bool IsOfBatch(string line) =>
        ConfigWords.Split(line) is [var verb, .. var words]
        && CliPaths.TryMatch(verb, CliVerbs.At(null), out var match, out _)
        && match == "execute"
        && _paths.TryPath("execute", words, out var path, out _, out _)
        && path.StartsWith("batch ", StringComparison.Ordinal);

    /// <summary>
    /// Runs a line as if it were typed; returns its return code, the line without its secret, and true if <paramref name="answer"/> was
    /// consumed. A confirmation prompt is answered no, which is a failure. A prompt with <see cref="CliReply.ScriptsGoOn"/> is answered
    /// by the next line if that is an answer, otherwise yes.
    /// </summary>
    private async Task<(int Code, string Shown, bool Answered)> RunForCodeAsync(
        string line,
        string? answer,
        CancellationToken cancellationToken
    )
    {
        _code = 0;
        var shown = WithoutSecret(line);
        Execute(line);
        while (_inBatch is { } later)
        {
            _inBatch = null;
            Answer(await later(cancellationToken).ConfigureAwait(false));
        }
        if (!Asks)
        {
            return (_code, shown, false);
        }
        if (_scriptsGoOn)
        {
            Execute(answer ?? "y");
            return (_code, shown, answer is not null);
        }
        Execute("n");
        return (-1, shown, false);
    }

    private string WithoutSecret(string line) =>
        _editor.Level is ConfigLevel.Edit edit
        && ConfigWords.Scan(line).Words is [var verb, var name, _, ..]
        && CliPaths.TryMatch(name, edit.Schema.Attributes.Select(attribute => attribute.Name), out var match, out _)
        && edit.Schema.Attribute(match)!.Secret
            ? $"{verb} {name} ***"
        : _lines.IsOpen ? "***"
        : line.Trim();
}
