using System.Text;

namespace Appliance.Lab.Page;

/// <summary>One message to a page: members of a JSON object as UTF-8, and the page's position after it.</summary>
/// <param name="Body">The members. All pages share them, and they never change.</param>
/// <param name="Seq">The page's sequence number after the frame; -1 within a snapshot.</param>
/// <param name="LastEvent">The newest event that the page has after the frame.</param>
internal sealed record PageFrame(byte[] Body, long Seq, long LastEvent);

/// <summary>The frames that a page lacks: the oldest missing ones, or the whole state.</summary>
/// <param name="Epoch">The epoch within which sequence numbers are valid.</param>
/// <param name="Frames">Oldest first. They are built while they are enumerated, so a slow page holds one of them at a time. With <paramref
/// name="Whole"/> they replace the page's state.</param>
/// <param name="Whole">True for a snapshot.</param>
internal sealed record PageCatchUp(string Epoch, IEnumerable<PageFrame> Frames, bool Whole);

/// <summary>
/// The newest frames of the stream, numbered without a gap, within limits. A page that falls behind them gets a snapshot. This is the only
/// queue, however many pages read it and however slow they are. Not thread-safe.
/// </summary>
internal sealed class PageFrames
{
    internal const int FramesMax = 512;
    internal const int BytesMax = 4 * 1024 * 1024;

    private readonly Queue<PageFrame> _frames = [];
    private long _bytes;

    /// <summary>The number of the newest frame; 0 before the first.</summary>
    public long Seq { get; private set; }

    /// <summary>Adds a frame, after which a page has the events up to an id.</summary>
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

    /// <summary>Returns the first frame after a number; null if there is none.</summary>
    public PageFrame? After(long seq) => Seq - seq is > 0 and var lacking ? _frames.ElementAt(_frames.Count - (int)lacking) : null;

    /// <summary>Returns true if the number is valid and every frame after it is retained.</summary>
    public bool Reaches(long seq) => Seq - seq is >= 0 and var lacking && lacking <= _frames.Count;

    /// <summary>Removes all frames; numbers begin again.</summary>
    public void Clear()
    {
        _frames.Clear();
        _bytes = 0;
        Seq = 0;
    }
}

/// <summary>A frame under construction, as members of a JSON object: <c>"set":{…},"logins":[…],"messages":[…],"events":[…]</c>.</summary>
internal sealed class PageBody
{
    private readonly StringBuilder _set = new();
    private readonly StringBuilder _logins = new();
    private readonly StringBuilder _messages = new();
    private readonly StringBuilder _events = new();

    public bool IsEmpty => _set.Length + _logins.Length + _messages.Length + _events.Length == 0;

    /// <summary>Sets a part of the state to a value; <c>null</c> removes it.</summary>
    public void Set(string key, string json) => _set.Append(_set.Length > 0 ? "," : "").Append('"').Append(key).Append("\":").Append(json);

    public void Login(string json) => _logins.Append(_logins.Length > 0 ? "," : "").Append(json);

    public void Message(string json) => _messages.Append(_messages.Length > 0 ? "," : "").Append(json);

    public void Event(string json) => _events.Append(_events.Length > 0 ? "," : "").Append(json);

    public override string ToString() => $"\"set\":{{{_set}}},\"logins\":[{_logins}],\"messages\":[{_messages}],\"events\":[{_events}]";
}
