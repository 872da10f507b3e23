using System.Text;
using Appliance.Doubles.Clock;

namespace Appliance.Lab.Remote;

/// <summary>The output of a console at the end of a cable, consumed part by part. One reader at a time.</summary>
internal sealed class ShownText(Stream cable)
{
    private const int RecentMax = 2000;

    private readonly byte[] _buffer = new byte[4096];
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _waiting = new();
    private readonly StringBuilder _recent = new();

    /// <summary>The output that is not consumed yet.</summary>
    public string Waiting => _waiting.ToString();

    /// <summary>The most recent output, consumed or not.</summary>
    public string Recent => _recent.ToString();

    /// <summary>
    /// Consumes the output once it is sufficient (the function returns the length to consume; 0 for not yet). Returns null after the time
    /// limit and then consumes nothing.
    /// </summary>
    /// <exception cref="IOException">The cable failed.</exception>
    public async Task<string?> TakeAsync(TimeSpan atMost, Func<string, int> enough)
    {
        using var late = new CancellationTokenSource(atMost, LabClock.Wall);
        try
        {
            while (true)
            {
                var waiting = Waiting;
                if (enough(waiting) is > 0 and var length)
                {
                    _waiting.Remove(0, length);
                    return waiting[..length];
                }
                Add(await cable.ReadAsync(_buffer, late.Token));
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private void Add(int length)
    {
        if (length == 0)
        {
            throw new IOException("the console's cable is dead");
        }
        var characters = new char[Encoding.UTF8.GetMaxCharCount(length)];
        var count = _decoder.GetChars(_buffer.AsSpan(0, length), characters, flush: false);
        _waiting.Append(characters, 0, count);
        _recent.Append(characters, 0, count);
        _recent.Remove(0, Math.Max(0, _recent.Length - RecentMax));
    }
}
