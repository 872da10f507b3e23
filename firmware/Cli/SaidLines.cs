using System.Threading.Channels;

namespace Appliance.Firmware.Cli;

/// <summary>
/// A session's unsolicited text, buffered until its console has a free line. If the console does not read, the oldest text is dropped.
/// </summary>
internal sealed class SaidLines : IDisposable
{
    private const int Most = 1024;
    private readonly Channel<string> _texts = Channel.CreateBounded<string>(
        new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }
    );
    private readonly CliSession _session;
    private Task<bool>? _waiting;

    internal SaidLines(CliSession session)
    {
        _session = session;
        session.Said += Keep;
    }

    public void Dispose() => _session.Said -= Keep;

    /// <summary>Completes when there is text. All concurrent callers share one task until it completes.</summary>
    internal Task<bool> WaitAsync(CancellationToken cancellationToken) =>
        _waiting is { IsCompleted: false } waiting ? waiting : _waiting = _texts.Reader.WaitToReadAsync(cancellationToken).AsTask();

    /// <summary>Takes all buffered text; null if there is none.</summary>
    internal string? Take()
    {
        string? all = null;
        while (_texts.Reader.TryRead(out var text))
        {
            all += text.EndsWith('\n') ? text : text + "\n";
        }
        return all;
    }

    private void Keep(string text) => _texts.Writer.TryWrite(text);
}
