using System.Text;

namespace Appliance.Lab.Page;

/// <summary>One message to a page: members of a JSON object as UTF-8, and where the page is when it has taken them.</summary>
/// <param name="Body">The members; shared by all pages that get them, never changed.</param>
/// <param name="Seq">The number that the page is at then; -1 within a snapshot.</param>
/// <param name="LastEvent">The newest event of which the page knows then.</param>
internal sealed record PageFrame(byte[] Body, long Seq, long LastEvent);

/// <summary>What a page is behind by: either the oldest frames that it lacks, or all of the state.</summary>
/// <param name="Epoch">Numbers mean something only within one.</param>
/// <param name="Frames">
/// Oldest first, made while they are taken, so that a page that reads slowly holds one of them and not all; with <paramref name="Whole"/> they replace
/// what the page has.
/// </param>
/// <param name="Whole">True for a snapshot.</param>
internal sealed record PageCatchUp(string Epoch, IEnumerable<PageFrame> Frames, bool Whole);

/// <summary>
/// The newest frames of the stream, numbered without a gap, within bounds: whoever falls behind them gets a snapshot. That is the only
/// queue there is, however many pages watch and however slow they are. Not thread-safe.
/// </summary>
internal sealed class PageFrames
{
    internal const int FramesMax = 512;
    internal const int BytesMax = 4 * 1024 * 1024;

    private readonly Queue<PageFrame> _frames = [];
    private long _bytes;

    /// <summary>The number of the newest frame; 0 before the first.</summary>
    public long Seq { get; private set; }

    /// <summary>Adds a frame, after which a page knows of the events up to one.</summary>
    public void Add(string body, long lastEvent)
    {
        Seq++;
        var frame = new PageFrame(Encoding.UTF8.GetBytes(body), Seq, lastEvent);
        _frames.Enqueue(frame);
        _bytes += frame.Body.Length;
        while (_frames.Count > FramesMax || (_bytes > BytesMax && _frames.Count > 1))
        {
            _bytes -= _frames.Dequeue().Body.Length;
        }
    }

    /// <summary>The first frame after a number; null when there is none.</summary>
    public PageFrame? After(long seq) => Seq - seq is > 0 and var lacking ? _frames.ElementAt(_frames.Count - (int)lacking) : null;

    /// <summary>True if no frame after a number is gone, and the number is one of ours.</summary>
    public bool Reaches(long seq) => Seq - seq is >= 0 and var lacking && lacking <= _frames.Count;

    /// <summary>Forgets all frames; numbers begin again.</summary>
    public void Clear()
    {
        _frames.Clear();
        _bytes = 0;
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
