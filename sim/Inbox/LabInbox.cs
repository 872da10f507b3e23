namespace Appliance.Sim.Inbox;

/// <summary>The mail and the text messages of everybody in the lab, newest last. In memory: a lab's mail is gone with the lab. Thread-safe.</summary>
public sealed class LabInbox
{
    /// <summary>More are not kept; the oldest goes.</summary>
    private const int MostLetters = 1000;

    private readonly Lock _gate = new();
    private readonly Queue<ReceivedLetter> _letters = [];
    private long _lastId;

    /// <summary>Everything that is kept.</summary>
    public IReadOnlyList<ReceivedLetter> Letters
    {
        get
        {
            lock (_gate)
            {
                return [.. _letters];
            }
        }
    }

    /// <summary>Keeps a letter that came, raw as it travelled but with LF line ends.</summary>
    internal void Receive(string from, string to, LetterKind kind, string raw, DateTimeOffset time)
    {
        var (subject, text, picture) = ReceivedLetter.Read(raw);
        // A text message goes to a number, whatever the gateway's domain.
        var reader = kind == LetterKind.Sms ? to[..to.IndexOf('@', StringComparison.Ordinal)] : to;
        lock (_gate)
        {
            _letters.Enqueue(new ReceivedLetter(++_lastId, time, kind, from, reader, subject, text, ReceivedLetter.CodeIn(text), picture));
            if (_letters.Count > MostLetters)
            {
                _letters.Dequeue();
            }
        }
    }

    /// <summary>Throws everything away; ids go on.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _letters.Clear();
        }
    }
}
