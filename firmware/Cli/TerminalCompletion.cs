namespace Appliance.Firmware.Cli;

/// <summary>Tab: the word before the cursor becomes the first word that it can be, and at each further Tab the next one.</summary>
internal sealed class TerminalCompletion(CliSession session, TerminalLine line)
{
    private IReadOnlyList<string> _words = [];
    private int _start;
    private int _at;

    /// <summary>Completes; false when there is nothing to complete to.</summary>
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

    /// <summary>Completes half a word that can become one word only; false, and nothing done, in every other case.</summary>
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

    /// <summary>Another key: the next Tab begins anew.</summary>
    internal void Forget() => _words = [];
}
