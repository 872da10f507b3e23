namespace Appliance.Doubles.Inbox;

/// <summary>
/// The e-mails and text messages of all users in the lab, newest last. Kept in memory, and lost when the lab ends. Thread-safe.
/// </summary>
public sealed class LabInbox
{
    /// <summary>The number of messages that are kept; beyond it, the oldest is removed.</summary>
    private const int MostLetters = 1000;

    private readonly Lock _gate = new();
    private readonly Queue<ReceivedLetter> _letters = [];
    private long _lastId;

    /// <summary>All messages that are kept.</summary>
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

    /// <summary>Removes all messages; the numbering of ids continues.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _letters.Clear();
        }
    }

    /// <summary>Stores a received message: the raw text as transmitted, but with LF line ends.</summary>
    internal void Receive(string from, string to, LetterKind kind, string raw, DateTimeOffset time)
    {
        var (subject, text, picture) = ReceivedLetter.Read(raw);
        // The recipient of a text message is the number, whatever the gateway's domain.
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
}
