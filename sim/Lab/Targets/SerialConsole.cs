using System.Text;
using System.Text.RegularExpressions;
using Appliance.Doubles.Failures;
using Appliance.Lab.Remote;

namespace Appliance.Lab.Targets;

/// <summary>The console of a booted box over its serial cable.</summary>
internal sealed partial class SerialConsole(Stream cable) : IAsyncDisposable
{
    private readonly ShownText _shown = new(cable);

    /// <summary>
    /// Waits for the prompt that the box shows when it serves, and types nothing before. QEMU's UART (PL011, 7.2) raises its receive
    /// interrupt only when its queue becomes non-empty, and Linux reads at most 32 bytes when it takes over the port. After more input than
    /// that, the queue is never empty and the box receives nothing.
    /// </summary>
    /// <exception cref="LabFailure">No prompt appeared in time.</exception>
    public async Task ReadyAsync(TimeSpan atMost)
    {
        if (await _shown.TakeAsync(atMost, Prompted) is null)
        {
            throw new LabFailure(
                FailureKind.TimedOut,
                $"no prompt on the console within {atMost.TotalSeconds} s; it shows:\n{_shown.Recent}"
            );
        }
    }

    /// <summary>Types a line without waiting.</summary>
    public async Task SendAsync(string line) => await cable.WriteAsync(Encoding.UTF8.GetBytes(line + "\r"));

    /// <summary>Types a line. Returns the output from its echo to the next prompt.</summary>
    /// <exception cref="LabFailure">No prompt appeared in time.</exception>
    public async Task<string> TypeAsync(string line, TimeSpan atMost)
    {
        await SendAsync(line);
        // A prompt before the echo belongs to an earlier Enter.
        return await _shown.TakeAsync(
                atMost,
                text =>
                    text.IndexOf(line, StringComparison.Ordinal) is >= 0 and var echo && Prompt().IsMatch(text[echo..]) ? text.Length : 0
            ) ?? throw new LabFailure(FailureKind.TimedOut, $"no answer to '{line}' on the console; it shows:\n{_shown.Recent}");
    }

    /// <summary>Types a line without a prompt after it. Returns the output up to one of some words.</summary>
    /// <exception cref="LabFailure">None of them appeared in time.</exception>
    public async Task<string> TypeAsync(string line, TimeSpan atMost, params string[] until)
    {
        await SendAsync(line);
        return await SeeAsync(atMost, until);
    }

    /// <summary>Reads up to one of some words.</summary>
    /// <exception cref="LabFailure">None of them appeared in time.</exception>
    public async Task<string> SeeAsync(TimeSpan atMost, params string[] until) =>
        await _shown.TakeAsync(
            atMost,
            text => until.Select(word => text.IndexOf(word, StringComparison.Ordinal) is >= 0 and var at ? at + word.Length : 0).Max()
        ) ?? throw new LabFailure(FailureKind.TimedOut, $"no '{string.Join("' or '", until)}' on the console; it shows:\n{_shown.Recent}");

    public ValueTask DisposeAsync() => cable.DisposeAsync();

    private static int Prompted(string text) => Prompt().IsMatch(text) ? text.Length : 0;

    [GeneratedRegex(@"\n?[A-Za-z0-9_-]+( \([a-z0-9-]+\))? # $")]
    private static partial Regex Prompt();
}
