namespace Appliance.Firmware.Cli;

/// <summary>
/// The command history of a session, newest last. The current line is preserved while the user browses. The size is *assumed*.
/// </summary>
internal sealed class TerminalHistory
{
    private const int Most = 100;
    private readonly List<string> _lines = [];
    private string _typed = "";
    private int _at;

    /// <summary>Adds an entered line; a line equal to the previous one is not added again.</summary>
    internal void Add(string line)
    {
        if (line.Length > 0 && (_lines.Count == 0 || _lines[^1] != line))
        {
            _lines.Add(line);
            if (_lines.Count > Most)
            {
                _lines.RemoveAt(0);
            }
        }
        Reset();
    }

    /// <summary>Moves past the newest line and drops the preserved input.</summary>
    internal void Reset() => (_typed, _at) = ("", _lines.Count);

    /// <summary>Clears the history, so that the next administrator does not see the previous one's commands.</summary>
    internal void Clear()
    {
        _lines.Clear();
        (_typed, _at) = ("", 0);
    }

    /// <summary>Returns the previous line, or null at the oldest.</summary>
    internal string? Earlier(string typed)
    {
        if (_at == 0)
        {
            return null;
        }
        _typed = _at == _lines.Count ? typed : _typed;
        return _lines[--_at];
    }

    /// <summary>Returns the next line, and the preserved input after the newest; null if that is already shown.</summary>
    internal string? Later()
    {
        if (_at >= _lines.Count)
        {
            return null;
        }
        return ++_at == _lines.Count ? _typed : _lines[_at];
    }
}
