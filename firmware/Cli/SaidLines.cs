using System.Threading.Channels;

namespace Appliance.Firmware.Cli;

/// <summary>What a session says by itself, kept until its console has a line free. A console that does not read loses the oldest.</summary>
internal sealed class SaidLines : IDisposable
{
    private const int Most = 1024;
    private readonly Channel<string> _texts = Channel.CreateBounded<string>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CliSession _session;
    private Task<bool>? _waiting;

    internal SaidLines(CliSession session)
    {
        _session = session;
        session.Said += Keep;
    }

    public void Dispose() => _session.Said -= Keep;

    /// <summary>Completes when there is something. The same task for everyone who waits, until it completes.</summary>
    internal Task<bool> WaitAsync(CancellationToken cancellationToken) =>
        _waiting is { IsCompleted: false } waiting ? waiting : _waiting = _texts.Reader.WaitToReadAsync(cancellationToken).AsTask();

    /// <summary>Everything that is there, or null.</summary>
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
