using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// A pager that shows a screenful at a time. Measured on a device with 24 rows: 22 lines, then 21 a page. The same offsets for other
/// sizes are *assumed*, as are <c>q</c> and Enter. A line that wraps counts once.
/// </summary>
/// <param name="screen">Receives the output to the terminal.</param>
internal sealed class TerminalPager(StringBuilder screen)
{
    private const string More = "--More-- ";
    private static readonly string Erase = "\r" + new string(' ', More.Length) + "\r";
    private string _text = "";
    private int _at;

    /// <summary>The height of the terminal in rows.</summary>
    internal int Rows { get; set; } = TerminalSize.Usual.Rows;

    /// <summary>True while <c>--More--</c> expects a key.</summary>
    internal bool Waits => _at < _text.Length;

    /// <summary>Shows the first page of a text, lines ended by \n.</summary>
    internal void Start(string text, bool paged)
    {
        (_text, _at) = (text, 0);
        Show(paged ? Math.Max(1, Rows - 2) : int.MaxValue);
    }

    /// <summary>
    /// Handles a key at <c>--More--</c>: Space shows the next page, Enter one more line, <c>q</c> and Ctrl-C stop; other keys are
    /// ignored.
    /// </summary>
    internal void Take(TerminalKey key, string typed)
    {
        if (key == TerminalKey.Interrupt || typed is "q" or "Q")
        {
            screen.Append(Erase);
            (_text, _at) = ("", 0);
        }
        else if (typed == " " || key == TerminalKey.Enter)
        {
            screen.Append(Erase);
            Show(key == TerminalKey.Enter ? 1 : Math.Max(1, Rows - 3));
        }
    }

    /// <summary>Shows unsolicited lines while <c>--More--</c> is displayed.</summary>
    internal void Between(string text) => screen.Append(Erase).Append(text).Append(More);

    private void Show(int lines)
    {
        for (; lines > 0 && _at < _text.Length; lines--)
        {
            var end = _text.IndexOf('\n', _at);
            end = end < 0 ? _text.Length : end;
            screen.Append(_text, _at, end - _at);
            if (end < _text.Length)
            {
                screen.Append("\r\n");
            }
            _at = end + 1;
        }
        if (Waits)
        {
            screen.Append(More);
        }
    }
}
