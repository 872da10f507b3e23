using System.Text;
using System.Text.RegularExpressions;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;

namespace Appliance.Sim.Image;

/// <summary>The console of a booted box over its serial cable.</summary>
internal sealed partial class SerialConsole(Stream cable) : IAsyncDisposable
{
    private static readonly TimeSpan EnterEvery = TimeSpan.FromMilliseconds(100);

    private readonly byte[] _buffer = new byte[4096];
    private readonly StringBuilder _seen = new();

    /// <summary>Presses Enter until a prompt comes: the box serves.</summary>
    /// <exception cref="LabFailure">None comes in time.</exception>
    public async Task ReadyAsync(TimeSpan atMost)
    {
        var began = LabClock.Wall.GetTimestamp();
        while (LabClock.Wall.GetElapsedTime(began) < atMost)
        {
            await cable.WriteAsync("\r"u8.ToArray());
            if (await ReadAsync(text => Prompt().IsMatch(text), EnterEvery) is not null)
            {
                return;
            }
        }
        throw new LabFailure(ExitCode.TimedOut, $"no prompt on the console within {atMost.TotalSeconds} s; it shows:\n{_seen}");
    }

    /// <summary>Waits until the box shows a text.</summary>
    /// <exception cref="LabFailure">It does not in time.</exception>
    public async Task SeeAsync(string wanted, TimeSpan atMost)
    {
        if (await ReadAsync(text => text.Contains(wanted, StringComparison.Ordinal), atMost) is null)
        {
            throw new LabFailure(ExitCode.TimedOut, $"no '{wanted}' on the console within {atMost.TotalSeconds} s; it shows:\n{_seen}");
        }
    }

    /// <summary>Types a line and waits for nothing.</summary>
    public async Task SendAsync(string line) => await cable.WriteAsync(Encoding.UTF8.GetBytes(line + "\r"));

    /// <summary>Types a line; what is shown from its echo on, up to the next prompt.</summary>
    /// <exception cref="LabFailure">No prompt comes in time.</exception>
    public async Task<string> TypeAsync(string line, TimeSpan atMost)
    {
        await SendAsync(line);
        // A prompt before the echo is that of an Enter from earlier.
        return await ReadAsync(text => text.IndexOf(line, StringComparison.Ordinal) is >= 0 and var echo && Prompt().IsMatch(text[echo..]), atMost)
            ?? throw new LabFailure(ExitCode.TimedOut, $"no answer to '{line}' on the console; it shows:\n{_seen}");
    }

    public ValueTask DisposeAsync() => cable.DisposeAsync();

    /// <summary>Reads until the text is as it should be; null when it is not in time.</summary>
    /// <exception cref="IOException">The cable is dead.</exception>
    private async Task<string?> ReadAsync(Func<string, bool> whole, TimeSpan atMost)
    {
        using var late = new CancellationTokenSource(atMost, LabClock.Wall);
        try
        {
            while (true)
            {
                var read = await cable.ReadAsync(_buffer, late.Token);
                if (read == 0)
                {
                    throw new IOException("the console's cable is dead");
                }
                _seen.Append(Encoding.UTF8.GetString(_buffer, 0, read));
                var text = _seen.ToString();
                if (whole(text))
                {
                    _seen.Clear();
                    return text;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\n?[A-Za-z0-9_-]+( \([a-z0-9-]+\))? # $")]
    private static partial Regex Prompt();
}
