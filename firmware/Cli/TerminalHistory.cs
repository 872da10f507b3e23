namespace Appliance.Firmware.Cli;

/// <summary>The lines of this session, newest last; what is being typed is kept while one looks back. How many is *assumed*.</summary>
internal sealed class TerminalHistory
{
    private const int Most = 100;
    private readonly List<string> _lines = [];
    private string _typed = "";
    private int _at;

    /// <summary>Keeps a line that was entered; the same one twice in a row is kept once.</summary>
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

    /// <summary>Goes back behind the newest line: what was being typed is dropped.</summary>
    internal void Reset() => (_typed, _at) = ("", _lines.Count);

    /// <summary>Forgets all: the next administrator is not shown what the one before typed.</summary>
    internal void Clear()
    {
        _lines.Clear();
        (_typed, _at) = ("", 0);
    }

    /// <summary>The line before, or null at the oldest.</summary>
    internal string? Earlier(string typed)
    {
        if (_at == 0)
        {
            return null;
        }
        _typed = _at == _lines.Count ? typed : _typed;
        return _lines[--_at];
    }

    /// <summary>The line after, at last what was being typed; null there.</summary>
    internal string? Later()
    {
        if (_at >= _lines.Count)
        {
            return null;
        }
        return ++_at == _lines.Count ? _typed : _lines[_at];
    }
}
