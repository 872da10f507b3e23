namespace Appliance.Firmware.Cli;

/// <summary>Tab completion: replaces the word before the cursor by its first completion, and with each further Tab by the next.</summary>
internal sealed class TerminalCompletion(CliSession session, TerminalLine line)
{
    private IReadOnlyList<string> _words = [];
    private int _start;
    private int _at;

    /// <summary>Completes the word; false if there is no completion.</summary>
    internal bool Next()
    {
        if (_words.Count > 0)
        {
            _at = (_at + 1) % _words.Count;
            line.Replace(_start, line.Cursor, _words[_at]);
            return true;
        }
        (_start, _words) = session.Complete(line.BeforeCursor);
        _at = 0;
        switch (_words.Count)
        {
            case 0:
                return false;
            case 1:
                line.Replace(_start, line.Cursor, _words[0] + " ");
                Forget();
                return true;
            default:
                line.Replace(_start, line.Cursor, _words[0]);
                return true;
        }
    }

    /// <summary>Completes a partial word that has exactly one completion; otherwise returns false and changes nothing.</summary>
    internal bool Only()
    {
        var (start, words) = session.Complete(line.BeforeCursor);
        if (words.Count != 1 || start == line.Cursor || line.BeforeCursor[start..] == words[0])
        {
            return false;
        }
        line.Replace(start, line.Cursor, words[0] + " ");
        return true;
    }

    /// <summary>Ends the cycle after another key, so that the next Tab starts again.</summary>
    internal void Forget() => _words = [];
}
