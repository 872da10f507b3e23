using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>Random input in both modes: no exception, and no change that no command stored.</summary>
public sealed class ConsolePropertyTests : IDisposable
{
    /// <summary>
    /// Every key with a function, and pieces of lines that store nothing (no next, end, delete, rename, clone, move, purge).
    /// </summary>
    private static readonly string[] Pieces =
    [
        "config ",
        "edit ",
        "set ",
        "unset ",
        "append ",
        "select ",
        "unselect ",
        "clear ",
        "abort",
        "show ",
        "get ",
        "tree ",
        "execute ",
        "diagnose ",
        "system ",
        "interface ",
        "global ",
        "port1 ",
        "ftm-push ",
        "allowaccess ",
        "ping ",
        "user ",
        "local ",
        "ann ",
        "0 ",
        "-1 ",
        "999999999999999999999 ",
        "full-configuration ",
        "| grep ",
        "-f ",
        "-A ",
        "[a",
        "\"",
        "'",
        "\\",
        "|",
        "#",
        "?",
        " ",
        "\r",
        "\n",
        "\r\n",
        "\u0001",
        "\u0002",
        "\u0003",
        "\u0004",
        "\u0005",
        "\u0006",
        "\u0008",
        "\u000e",
        "\u0010",
        "\u0016",
        "\u007f",
        "\e[A",
        "\e[B",
        "\e[C",
        "\e[D",
        "\e[3~",
        "\e[1;5",
        "\eO",
        "\e",
        "ü",
        "日本",
        "😀",
        "\0",
        "q",
        "x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];

    private static readonly Gen<byte[]> Lines = Gen.Int[0, Pieces.Length - 1]
        .Select(at => Pieces[at])
        .Array[0, 80]
        .Select(pieces => Encoding.UTF8.GetBytes(string.Concat(pieces)));

    private readonly StoreFolder _folder = new();
    private readonly ConfigStore _store;

    public ConsolePropertyTests() => _store = _folder.Open(LabBoard.DefaultConfiguration());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AnyLinesAtATerminalChangeNothing() => Lines.Sample(bytes => Unchanged(() => Terminal(bytes)), iter: 3000, threads: 1);

    /// <summary>Tab can complete to a verb that stores: here only robustness is checked.</summary>
    [Fact]
    public void TabAnywhereBreaksNothing() =>
        Lines
            .Select(Gen.Int[0, 100], (bytes, at) => (byte[])[.. bytes.Take(at), (byte)'\t', .. bytes.Skip(at), (byte)'\t', (byte)'\t'])
            .Sample(Terminal, iter: 3000, threads: 1);

    [Fact]
    public void AnyLinesOfAScriptChangeNothing() => Lines.Sample(bytes => Unchanged(() => Script(bytes)), iter: 3000, threads: 1);

    [Fact]
    public void AnyBytesAtATerminalChangeNothing() =>
        Gen.Byte.Array[0, 400].Sample(bytes => Unchanged(() => Terminal(bytes)), iter: 2000, threads: 1);

    [Fact]
    public void AnyBytesOfAScriptChangeNothing() =>
        Gen.Byte.Array[0, 400].Sample(bytes => Unchanged(() => Script(bytes)), iter: 2000, threads: 1);

    /// <summary>
    /// Verifies that the terminal's picture of the line is the line, on narrow screens, too: the line is redrawn exactly as it was
    /// displayed
    /// before, the cursor included.
    /// </summary>
    [Fact]
    public void WhatTheTerminalShowsIsWhatIsRun()
    {
        string[] keys =
        [
            "a",
            "b c ",
            "def ",
            "long-word-",
            "\u0001",
            "\u0002",
            "\u0004",
            "\u0005",
            "\u0006",
            "\u007f",
            "\e[C",
            "\e[D",
            "\e[3~",
            "\e[A",
            "\e[B",
        ];
        Gen.Select(Gen.Int[17, 60], Gen.Int[0, keys.Length - 1].Select(at => keys[at]).Array[0, 40])
            .Sample(
                (columns, typed) =>
                {
                    var terminal = new TerminalConsole(new CliSession(_store, []), new TerminalSize(24, columns));
                    var screen = new VtScreen(columns);
                    screen.Write(terminal.Start() + terminal.Type("\r"u8, out _));
                    foreach (var key in typed)
                    {
                        screen.Write(terminal.Type(Encoding.UTF8.GetBytes(key), out _));
                    }
                    var before = screen.Rows.Skip(1).Reverse().SkipWhile(row => row.Length == 0).Reverse().ToArray();
                    var (row, column) = screen.Cursor;
                    var anew = new VtScreen(columns);
                    anew.Write(terminal.Say("x\n"));
                    var first = anew.Rows.ToList().LastIndexOf("x") + 1;
                    Assert.Equal(before, anew.Rows.Skip(first).Reverse().SkipWhile(line => line.Length == 0).Reverse());
                    Assert.Equal((row - 1, column), (anew.Cursor.Row - first, anew.Cursor.Column));
                },
                iter: 3000,
                threads: 1
            );
    }

    /// <summary>A command over lines ends where its words end: the two readers of quotes agree.</summary>
    [Fact]
    public void LinesAndWordsAgreeOnWhereACommandEnds()
    {
        string[] pieces = ["a", " ", "\"", "'", "\\", "|", "\n"];
        Gen.Int[0, pieces.Length - 1]
            .Select(at => pieces[at])
            .Array[0, 20]
            .Sample(
                typed =>
                {
                    var lines = string.Concat(typed).Split('\n');
                    var command = new CommandLines();
                    var text = "";
                    for (var at = 0; at < lines.Length; at++)
                    {
                        text += (text.Length == 0 && !command.IsOpen ? "" : "\n") + lines[at];
                        var whole = command.Add(lines[at]);
                        Assert.Equal(ConfigWords.Split(text) is null, command.IsOpen);
                        Assert.Equal(command.IsOpen ? null : text, whole);
                        text = command.IsOpen ? text : "";
                    }
                },
                iter: 20_000,
                threads: 1
            );
    }

    private void Unchanged(Action run)
    {
        var before = _store.Current;
        run();
        Assert.Same(before, _store.Current);
    }

    private void Terminal(byte[] bytes)
    {
        var terminal = new TerminalConsole(new CliSession(_store, []), TerminalSize.Usual);
        terminal.Start();
        for (var at = 0; at < bytes.Length && !terminal.Closed;)
        {
            terminal.Type(bytes.AsSpan(at), out var used);
            Assert.InRange(used, 1, bytes.Length - at);
            at += used;
        }
    }

    private void Script(byte[] bytes)
    {
        var script = new ScriptConsole(new CliSession(_store, []), echo: true);
        script.Start();
        for (var at = 0; at < bytes.Length && !script.Closed;)
        {
            script.Type(bytes.AsSpan(at), out var used);
            Assert.InRange(used, 1, bytes.Length - at);
            at += used;
        }
        script.End();
    }
}
