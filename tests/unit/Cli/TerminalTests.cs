using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>Terminal mode, byte by byte: the keys, and the exact output.</summary>
public sealed class TerminalTests : IDisposable
{
    private const string Root = "lab-appliance # ";
    private const string Up = "\e[A";
    private const string Down = "\e[B";
    private const string Right = "\e[C";
    private const string Left = "\e[D";
    private static readonly string Erase = "\r" + new string(' ', 9) + "\r";

    private readonly StoreFolder _folder = new();
    private readonly ConfigStore _store;
    private readonly CliSession _session;
    private readonly TerminalConsole _terminal;

    public TerminalTests()
    {
        _store = _folder.Open(LabBoard.DefaultConfiguration());
        _session = new CliSession(
            _store,
            [
                new CliCommand(
                    "execute lines",
                    "Show lines.",
                    Permissions.Maintenance.Write,
                    CliArguments.One,
                    call => string.Concat(Enumerable.Range(1, int.Parse(call.Arguments[0])).Select(line => $"line {line}\n"))
                ),
            ]
        );
        _terminal = new TerminalConsole(_session, TerminalSize.Usual);
        Assert.Equal(Root, _terminal.Start());
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ALineIsEchoedAndAnswered()
    {
        Assert.Equal("e", Type("e"));
        Assert.Equal("xec lines 2\r\r\nline 1\r\nline 2\r\n\r\n" + Root, Type("xec lines 2\r"));
        Assert.Equal("\r\r\n" + Root, Type("\r\n"));
        Assert.Equal("\r\r\n" + Root, Type("\n"));
    }

    [Fact]
    public void AnErrorBeginsWithAnEmptyLine() =>
        Assert.Equal(
            "get sys psu\r\r\n\r\ncommand parse error before 'psu'\r\nCommand fail. Return code -61\r\n\r\n" + Root,
            Type("get sys psu\r")
        );

    [Fact]
    public void ExitEchoesAndCloses()
    {
        Assert.Equal("exit\r\r\n", Type("exit\r"));
        Assert.True(_terminal.Closed);
        Assert.False(_terminal.Interrupted);
    }

    [Fact]
    public void HelpComesAtOnceIsNotEchoedAndKeepsTheLine()
    {
        Assert.Equal("show\r\nshow         Show configuration.\r\n\r\n" + Root + "show", Type("show?"));
        Assert.Equal("\r\r\n", Type("\r")[..3]);
    }

    [Fact]
    public void HalfAWordIsCompletedWhenOneFitsAndListedWhenMoreDo()
    {
        Assert.Equal("conf" + "\b\b\b\bconfig ", Type("conf?"));
        Assert.Equal("system s\r\nsettings\r\nsms-server\r\nsnmp\r\n\r\n" + Root + "config system s", Type("system s?"));
    }

    [Fact]
    public void TabCompletesAndCycles()
    {
        Assert.Equal("conf\b\b\b\bconfig ", Type("conf\t"));
        Type("system s");
        Assert.Equal("\bsettings", Type("\t"));
        Assert.Equal("\b\b\b\b\b\b\b\bsms-server", Type("\t"));
        Assert.Equal(Rub("sms-server", "snmp"), Type("\t"));
        Assert.Equal(Rub("snmp", "settings"), Type("\t"));
        Assert.Equal("\r\r\n\r\nlab-appliance (settings) # ", Type("\r"));
        Assert.Equal("\a", Type("zz\t")[2..]);
    }

    [Fact]
    public void TabKnowsAttributesOptionsKeysAndReferences()
    {
        Type("config system interface\r");
        Assert.Equal("edit port1", LineAfter("ed\tpo\t"));
        Type("\r");
        Assert.Equal("set allowaccess ping", LineAfter("set allow\tpi\t").TrimEnd());
        Type("\u0003\u0003config user local\redit \"ann\"\r");
        Assert.Equal("set fortitoken FTKMOB0000000002", LineAfter("set fortit\t\t\t"));
    }

    [Fact]
    public void TheHistoryGoesBackAndForth()
    {
        Type("get a\rget b\rget b\r");
        Assert.Equal("get b", LineAfter("half" + Up));
        Assert.Equal("get a", LineAfter("\x10"));
        Assert.Equal("get a", LineAfter(Up));
        Assert.Equal("get b", LineAfter(Down));
        Assert.Equal("half", LineAfter("\x0e"));
        Assert.Equal("half", LineAfter(Down));
    }

    [Fact]
    public void TheCursorGoesByWordsAndTheLineIsEditedWhereItStands()
    {
        Assert.Equal("one two three\b\b\b\b\b", Type("one two three" + Left));
        Assert.Equal("\b\b\b\b", Type("\x02"));
        Assert.Equal("Xtwo three\b\b\b\b\b\b\b\b\b", Type("X"));
        Assert.Equal("\btwo three \b\b\b\b\b\b\b\b\b\b", Type("\x7f"));
        Assert.Equal("wo three \b\b\b\b\b\b\b\b\b", Type("\x04"));
        Assert.Equal("wo ", Type(Right));
        Assert.Equal("three", Type("\x05"));
        Assert.Equal(new string('\b', "one wo three".Length), Type("\x01"));
        Assert.Equal("one ", Type("\x06"));
        Assert.Equal("o three \b\b\b\b\b\b\b\b", Type("\e[3~"));
        Assert.Equal("one o three", LineAfter(""));
    }

    [Fact]
    public void ControlCDropsTheLineThenTheLevelsThenTheSession()
    {
        Type("config system interface\redit port1\rset allowaccess ping\r");
        Assert.Equal("half\r\nlab-appliance (port1) # ", Type("half\x03"));
        Assert.Equal("\r\n" + Root, Type("\x03"));
        Assert.Equal(["ping", "https", "ftm"], _store.Current.List("system interface").Find("port1")!.Words("allowaccess"));
        Assert.Equal("\r\n", Type("\x03"));
        Assert.True(_terminal.Closed && _terminal.Interrupted);
    }

    [Fact]
    public void QuotesAndBackslashesGoOnOverLines()
    {
        Assert.Equal("config sys\\\r\r\n> ", Type("config sys\\\r"));
        Assert.Equal("tem global\r\r\n\r\nlab-appliance (global) # ", Type("tem global\r"));
        Assert.Equal("set alias \"one\r\r\n> ", Type("set alias \"one\r"));
        Assert.Equal("two\"\r\r\n\r\nlab-appliance (global) # ", Type("two\"\r"));
        Type("end\r");
        Assert.Equal("one\ntwo", _store.Current.Object("system global").Text("alias"));
    }

    [Fact]
    public void ControlVTakesAQuestionMark()
    {
        Type("config system global\r");
        Assert.Equal("set alias what?\r\r\n\r\nlab-appliance (global) # ", Type("set alias what\x16?\r"));
        Type("end\r");
        Assert.Equal("what?", _store.Current.Object("system global").Text("alias"));
    }

    [Fact]
    public void InAQuoteAQuestionMarkIsACharacter()
    {
        Type("config system global\r");
        Assert.Equal("set alias \"a?\\\"?'?\"\r\r\n\r\nlab-appliance (global) # ", Type("set alias \"a?\\\"?'?\"\r"));
        Type("end\r");
        Assert.Equal("a?\"?'?", _store.Current.Object("system global").Text("alias"));
        Assert.Equal(
            "show 'a\\' \r\n|\r\n<Enter>\r\n\r\n" + Root + "show 'a\\' ",
            Type("show 'a\\' ?")
                .Replace(
                    "\r\ncommand parse error before 'a\\'\r\nCommand fail. Return code -61\r\n",
                    "|\r\n<Enter>\r\n",
                    StringComparison.Ordinal
                )
        );
        // Edited into a quote and out of one again.
        Assert.Equal("x?", LineAfter("\u0003\"x?\u0001\u0004"));
    }

    [Fact]
    public void APageIsTwentyTwoLinesThenTwentyOne()
    {
        string Lines(int from, int to) => string.Concat(Enumerable.Range(from, to - from + 1).Select(line => $"line {line}\r\n"));
        Assert.Equal("execute lines 60\r\r\n" + Lines(1, 22) + "--More-- ", Type("execute lines 60\r"));
        Assert.Equal(Erase + Lines(23, 43) + "--More-- ", Type(" "));
        Assert.Equal("", Type("x"));
        Assert.Equal(Erase + Lines(44, 44) + "--More-- ", Type("\r"));
        Assert.Equal(Erase + Lines(45, 60) + "\r\n" + Root, Type(" "));
        Type("execute lines 60\r");
        Assert.Equal(Erase + Root, Type("q"));
        // A text that fits is not paged: 21 lines and the empty one.
        Assert.Equal("execute lines 21\r\r\n" + Lines(1, 21) + "\r\n" + Root, Type("execute lines 21\r"));
        Type("config system console\rset output standard\rend\r");
        Assert.Equal("execute lines 60\r\r\n" + Lines(1, 60) + "\r\n" + Root, Type("execute lines 60\r"));
    }

    [Fact]
    public void AQuestionTakesOneKey()
    {
        Assert.EndsWith("Do you want to continue? (y/n)", Type("config user group\rpurge\r"), StringComparison.Ordinal);
        Assert.Equal("", Type("x\r"));
        Assert.Equal("n\r\n\r\nlab-appliance (group) # ", Type("n"));
        Assert.NotEqual(0, _store.Current.List("user group").Count);
    }

    [Fact]
    public void WhatIsSaidTearsNoLine()
    {
        Type("get sys");
        Assert.Equal("\r\none\r\ntwo\r\n" + Root + "get sys", _terminal.Say("one\ntwo\n"));
        Type("\u0003execute lines 60\r");
        Assert.Equal(Erase + "said\r\n--More-- ", _terminal.Say("said\n"));
    }

    [Fact]
    public void ALongLineWrapsAtTheEdge()
    {
        var room = TerminalSize.Usual.Columns - Root.Length;
        Assert.Equal(new string('a', room) + " \b", Type(new string('a', room)));
        Assert.Equal("bc", Type("bc"));
        Assert.Equal("\e[1A\r\e[16C", Type("\x01"));
        Assert.Equal("\e[1B\r\e[2C", Type("\x05"));
        // The message is below both rows, and the cursor returns to its position.
        Type("\x01");
        Assert.Equal("\e[1B\r\e[2C\r\nx\r\n" + Root + new string('a', room) + "bc\e[1A\r\e[16C", _terminal.Say("x\n"));
    }

    [Fact]
    public void TheBannerTakesAnA()
    {
        Type("config system global\rset post-login-banner enable\rend\r");
        var terminal = new TerminalConsole(new CliSession(_store, []), TerminalSize.Usual);
        Assert.EndsWith("\r\n(Press 'a' to accept):", terminal.Start(), StringComparison.Ordinal);
        Assert.Equal("", terminal.Type("\r"u8, out _));
        Assert.Equal("\r\n" + Root, terminal.Type("a"u8, out _));
    }

    [Fact]
    public void OtherSequencesAndBytesCountForNothing() =>
        Assert.Equal(
            "ü\r\r\n\r\n\r\n",
            Type("\e[15~\e[1;5A\x1c\eOP\0ü\r").Replace("Unknown action 0", "", StringComparison.Ordinal)[..^Root.Length]
        );

    /// <summary>The terminal output that replaces the word before the cursor.</summary>
    private static string Rub(string old, string now) =>
        new string('\b', old.Length)
        + now
        + (old.Length > now.Length ? new string(' ', old.Length - now.Length) + new string('\b', old.Length - now.Length) : "");

    /// <summary>The line as it is redrawn after these keys.</summary>
    private string LineAfter(string keys)
    {
        Type(keys);
        var shown = _terminal.Say("x\n").Split("# ")[^1];
        return shown.TrimEnd('\b');
    }

    private string Type(params string[] keys)
    {
        var shown = new StringBuilder();
        foreach (var next in Encoding.UTF8.GetBytes(string.Concat(keys)))
        {
            shown.Append(_terminal.Type([next], out var used));
            Assert.Equal(1, used);
        }
        return shown.ToString();
    }
}
