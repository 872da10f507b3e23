using System.Text;

namespace Appliance.Sim.Page;

/// <summary>What a page is behind by: either the frames that it lacks, or all of it.</summary>
/// <param name="Epoch">Numbers mean something only within one.</param>
/// <param name="Seq">What the page is at when it has taken this.</param>
/// <param name="Bodies">Members of JSON objects, oldest first; with <paramref name="Whole"/> they replace what the page has.</param>
/// <param name="Whole">True for a snapshot.</param>
/// <param name="LastEvent">The newest event of which the page knows then.</param>
internal sealed record PageCatchUp(string Epoch, long Seq, IReadOnlyList<string> Bodies, bool Whole, long LastEvent);

/// <summary>
/// The newest frames of the stream, numbered without a gap, within bounds: whoever falls behind them gets a snapshot. That is the only
/// queue there is, however many pages watch and however slow they are. Not thread-safe.
/// </summary>
internal sealed class PageFrames
{
    internal const int FramesMax = 512;
    internal const int CharactersMax = 4 * 1024 * 1024;

    private readonly Queue<string> _bodies = [];
    private long _characters;

    /// <summary>The number of the newest frame; 0 before the first.</summary>
    public long Seq { get; private set; }

    /// <summary>Adds a frame.</summary>
    public void Add(string body)
    {
        Seq++;
        _bodies.Enqueue(body);
        _characters += body.Length;
        while (_bodies.Count > FramesMax || (_characters > CharactersMax && _bodies.Count > 1))
        {
            _characters -= _bodies.Dequeue().Length;
        }
    }

    /// <summary>The frames after a number; null when some of them are gone, or it is not one of ours.</summary>
    public IReadOnlyList<string>? After(long seq)
    {
        var lacking = Seq - seq;
        return lacking < 0 || lacking > _bodies.Count ? null : [.. _bodies.Skip(_bodies.Count - (int)lacking)];
    }

    /// <summary>Forgets all frames; numbers go on.</summary>
    public void Clear()
    {
        _bodies.Clear();
        _characters = 0;
        Seq = 0;
    }
}

/// <summary>One frame being put together, as members of a JSON object: <c>"set":{…},"logins":[…],"messages":[…],"events":[…]</c>.</summary>
internal sealed class PageBody
{
    private readonly StringBuilder _set = new();
    private readonly StringBuilder _logins = new();
    private readonly StringBuilder _messages = new();
    private readonly StringBuilder _events = new();

    public bool IsEmpty => _set.Length + _logins.Length + _messages.Length + _events.Length == 0;

    /// <summary>A part of the state has this value now; <c>null</c> takes it away.</summary>
    public void Set(string key, string json) => _set.Append(_set.Length > 0 ? "," : "").Append('"').Append(key).Append("\":").Append(json);

    public void Login(string json) => _logins.Append(_logins.Length > 0 ? "," : "").Append(json);

    public void Message(string json) => _messages.Append(_messages.Length > 0 ? "," : "").Append(json);

    public void Event(string json) => _events.Append(_events.Length > 0 ? "," : "").Append(json);

    public override string ToString() => $"\"set\":{{{_set}}},\"logins\":[{_logins}],\"messages\":[{_messages}],\"events\":[{_events}]";
}
