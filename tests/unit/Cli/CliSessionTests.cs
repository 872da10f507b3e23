using Appliance.Firmware.Cli;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The console, as a terminal shows it.</summary>
public sealed class CliSessionTests : IDisposable
{
    private static readonly string[] Pieces =
    [
        "config",
        "edit",
        "set",
        "next",
        "end",
        "abort",
        "show",
        "get",
        "system",
        "interface",
        "port1",
        "allowaccess",
        "ftm",
        "\"",
        "'",
        "\\",
        "|",
        "grep",
        "?",
        "user",
        "local",
        "purge",
        "y",
        "\t",
        "#",
        "-f",
        "''",
        "\0",
        "ü",
    ];

    private readonly StoreFolder _folder = new();
    private readonly Appliance.Firmware.Config.ConfigStore _store;

    public CliSessionTests() => _store = _folder.Open(LabBoard.DefaultConfiguration());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheMissionsOwnLines()
    {
        Assert.Equal(
            """
            lab-appliance # config system ftm-push

            lab-appliance (ftm-push) # set server-ip 127.0.1.1

            lab-appliance (ftm-push) # set server-port 4433

            lab-appliance (ftm-push) # set status enable

            lab-appliance (ftm-push) # end

            lab-appliance # config system interface

            lab-appliance (interface) # edit port1

            lab-appliance (port1) # set allowaccess ping https ftm

            lab-appliance (port1) # next

            lab-appliance (interface) # end

            lab-appliance # show system ftm-push
            config system ftm-push
                set server-ip 127.0.1.1
                set status enable
            end

            lab-appliance #
            """ + " ",
            Type(
                "config system ftm-push",
                "set server-ip 127.0.1.1",
                "set server-port 4433",
                "set status enable",
                "end",
                "config system interface",
                "edit port1",
                "set allowaccess ping https ftm",
                "next",
                "end",
                "show system ftm-push"
            )
        );
    }

    [Fact]
    public void ARefusedValue()
    {
        Assert.Equal(
            """
            lab-appliance # config system ftm-push

            lab-appliance (ftm-push) # set server-port abc

            invalid unsigned integer value: abc

            value parse error before 'abc'
            Command fail. Return code -651

            lab-appliance (ftm-push) # set server-port 65536

            node_check_object fail! for server-port 65536

            value parse error before '65536'
            Command fail. Return code -650

            lab-appliance (ftm-push) # end

            lab-appliance #
            """ + " ",
            Type("config system ftm-push", "set server-port abc", "set server-port 65536", "end")
        );
        Assert.Equal(4433, _store.Current.Object("system ftm-push").Number("server-port"));
    }

    [Fact]
    public void GetShowsDefaultsAndNoSecret()
    {
        var shown = Type("get system ftm-push", "get user local ann");
        Assert.Contains("server-port         : 4433 \n", shown, StringComparison.Ordinal);
        Assert.Contains("server-cert         : Fortinet_Factory \n", shown, StringComparison.Ordinal);
        Assert.Contains("passwd              : * \n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("ann-password", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void ASecretIsShownEncryptedAndReadsBack()
    {
        var (first, second) = (Type("show user local ann"), Type("show user local ann"));
        Assert.NotEqual(first, second);
        var line = first.Split('\n').Single(text => text.Contains("passwd", StringComparison.Ordinal)).Trim();
        Assert.StartsWith("set passwd ENC ", line, StringComparison.Ordinal);
        Type("config user local", "edit eve", line, "next", "end");
        Assert.Equal("ann-password", _store.Current.List("user local").Find("eve")!.Text("passwd"));
    }

    [Fact]
    public void WordsMayBeCut()
    {
        Type("conf sys ftm", "set server-p 4500", "en");
        Assert.Equal(4500, _store.Current.Object("system ftm-push").Number("server-port"));
        Assert.Contains(
            "ambiguous command before 'server-'",
            Type("config system ftm-push", "set server- 1", "end"),
            StringComparison.Ordinal
        );
        Assert.Contains("set server-port 4500", Type("sh sys ftm-push"), StringComparison.Ordinal);
    }

    [Fact]
    public void AbortDropsWhatIsNotStored()
    {
        Type("config system interface", "edit port1", "set allowaccess ping", "next", "edit port2", "set allowaccess ping", "abort");
        Assert.Equal(["ping"], _store.Current.List("system interface").Find("port1")!.Words("allowaccess"));
        Assert.Equal(["ping", "https", "ssh", "http"], _store.Current.List("system interface").Find("port2")!.Words("allowaccess"));
    }

    [Fact]
    public void ListsGrowAndShrink()
    {
        Type("config system interface", "edit port1", "append allowaccess ssh", "unselect allowaccess ping", "next", "end");
        Assert.Equal(["https", "ssh", "ftm"], _store.Current.List("system interface").Find("port1")!.Words("allowaccess"));
        Type("config user local", "clone bob to eve", "rename eve to eva", "end");
        Assert.NotNull(_store.Current.List("user local").Find("eva"));
        Assert.Contains(
            "The entry is used by other 1 entries\nCommand fail. Return code -23",
            Type("config user local", "delete bob", "end"),
            StringComparison.Ordinal
        );
        Type("config user local", "delete eva", "end");
        Assert.Null(_store.Current.List("user local").Find("eva"));
    }

    [Fact]
    public void NestedTablesAndFreeNumbers()
    {
        Type(
            "config vpn ssl settings",
            "config authentication-rule",
            "edit 0",
            "set users bob",
            "set portal full-access",
            "next",
            "end",
            "set port 10444",
            "end"
        );
        var settings = _store.Current.Object("vpn ssl settings");
        Assert.Equal(["1", "2"], settings.Children("authentication-rule").Keys);
        Assert.Equal(10444, settings.Number("port"));
    }

    [Fact]
    public void PurgeAsksFirst()
    {
        Assert.Contains(
            "This operation will clear all table!\nDo you want to continue? (y/n)",
            Type("config user group", "purge", "n", "end"),
            StringComparison.Ordinal
        );
        Assert.NotEqual(0, _store.Current.List("user group").Count);
        Type("config vpn ssl settings", "config authentication-rule", "purge", "y", "end", "end");
        Type("config firewall policy", "purge", "y", "end", "config user group", "purge", "y", "end");
        Assert.Equal(0, _store.Current.List("user group").Count);
    }

    [Fact]
    public void AQuoteGoesOnOverLines()
    {
        var shown = Type("config user local", "edit eve", "set passwd \"one", "two\"", "next", "end");
        Assert.Contains("\n> two\"\n", shown, StringComparison.Ordinal);
        Assert.Equal("one\ntwo", _store.Current.List("user local").Find("eve")!.Text("passwd"));
    }

    [Fact]
    public void HelpTellsWhatMayStandHere()
    {
        Assert.Contains("config       Configure object.", Type("?"), StringComparison.Ordinal);
        Assert.Contains(
            "server-port    Enter an integer value from <1> to <65535>",
            Type("config system ftm-push", "set server-port ?", "end"),
            StringComparison.Ordinal
        );
        Assert.Contains("\nftm-push\nglobal\nha\ninterface\n", Type("config system ?"), StringComparison.Ordinal);
        Assert.Contains("\nftm\n", Type("config system interface", "edit port1", "set allowaccess ?", "end"), StringComparison.Ordinal);
    }

    [Fact]
    public void GrepKeepsTheLinesThatMatch()
    {
        Assert.Contains("\n    set server-ip 127.0.1.1\n\n", Type("show system ftm-push | grep server-"), StringComparison.Ordinal);
        Assert.Contains("\n1\n\n", Type("show system ftm-push | grep -c ENABLE -i"), StringComparison.Ordinal);
    }

    [Fact]
    public void ExitEndsTheSession()
    {
        var session = new CliSession(_store, []);
        session.Execute("exit");
        Assert.True(session.Closed);
    }

    /// <summary>Invalid lines and the device's replies. None of them changes anything.</summary>
    public static TheoryData<string, string> BadLines =>
        new()
        {
            { "frobnicate", "Unknown action 0" },
            { "config", "incomplete command in the end\nCommand fail. Return code -160" },
            { "config system", "incomplete command in the end\nCommand fail. Return code -160" },
            { "config system nothing", "command parse error before 'nothing'\nCommand fail. Return code -61" },
            { "config system global extra", "command parse error before 'extra'" },
            { "show system nothing", "command parse error before 'nothing'" },
            { "show user local nobody", "entry is not found in table" },
            { "get user local nobody", "entry is not found in table" },
            { "get system ftm-push x", "command parse error before 'x'" },
            { "config system ftm-push|set server-port", "incomplete command in the end\nCommand fail. Return code -160" },
            { "config system ftm-push|set server-port 0", "node_check_object fail! for server-port 0" },
            { "config system ftm-push|set server-port -1", "invalid unsigned integer value: -1" },
            { "config system ftm-push|set server-port 4433 4434", "command parse error before '4434'" },
            { "config system ftm-push|set server-port 99999999999999999999999", "invalid unsigned integer value" },
            {
                "config system ftm-push|set server-ip 1.2.3",
                "invalid ip address\n\nvalue parse error before '1.2.3'\nCommand fail. Return code -8"
            },
            { "config system ftm-push|set server-ip 1.2.3.256", "invalid ip address" },
            { "config system ftm-push|set server-ip 1.2.3.4.5", "invalid ip address" },
            { "config system ftm-push|set server-ip ::1", "invalid ip address" },
            {
                "config system ftm-push|set status on",
                "node_check_object fail! for status on\n\nvalue parse error before 'on'\nCommand fail. Return code -651"
            },
            { "config system ftm-push|set nothing 1", "command parse error before 'nothing'" },
            { "config system ftm-push|next", "command parse error before 'next'" },
            { "config system ftm-push|exit", "command parse error before 'exit'" },
            { "config system interface|set allowaccess ftm", "command parse error before 'set'" },
            { "config system interface|edit", "incomplete command in the end" },
            { "config system interface|edit a b", "command parse error before 'b'" },
            { "config system interface|edit interface-with-a-long-name", "string value is too long. the size is 26, the limit is 15" },
            { "config system interface|edit \"<x>\"", "The string contains XSS vulnerability characters" },
            { "config system interface|edit \"\"", "the name is empty" },
            { "config system interface|delete nothing", "entry not found in table\nCommand fail. Return code -3" },
            { "config system interface|edit port1|set allowaccess ping dance", "node_check_object fail! for allowaccess dance" },
            { "config system interface|edit port1|set allowaccess scim", "node_check_object fail! for allowaccess scim" },
            { "config system interface|edit port1|set ip 10.0.0.1", "incomplete command in the end" },
            {
                "config system interface|edit port1|set ip 10.0.0.1 255.0.255.0",
                "invalid netmask.\n\nvalue parse error before '255.0.255.0'\nCommand fail. Return code -9"
            },
            { "config system interface|edit port1|set ip 10.0.0.1/33", "invalid netmask." },
            {
                "config user local|edit ann|set fortitoken NONE",
                "entry not found in datasource\n\nvalue parse error before 'NONE'\nCommand fail. Return code -3"
            },
            { "config user local|edit ann|set passwd ENC bm90aGluZw==", "Command fail. Return code -14" },
            { "config user fortitoken|edit FTKMOB0000000001|set seed 123", "node_check_object fail! for seed" },
            { "config user local|rename ann", "incomplete command in the end" },
            { "config user local|rename ann to bob", "Command fail. Return code -5" },
            { "config vpn ssl settings|config authentication-rule|edit x", "invalid unsigned integer value: x" },
            { "config system global|set hostname \"two words\"", "node_check_object fail! for hostname" },
            { "show \u0001", "control character" },
            { "show \uFFFD", "not UTF-8" },
        };

    [Theory]
    [MemberData(nameof(BadLines))]
    public void ABadLineIsNamedAndChangesNothing(string lines, string message)
    {
        var before = Type("show full-configuration | grep -v ENC");
        var shown = Type([.. lines.Split('|'), "abort"]);
        Assert.Contains(message, shown, StringComparison.Ordinal);
        Assert.Equal(before, Type("show full-configuration | grep -v ENC"));
    }

    [Fact]
    public void AnythingMayBeTyped()
    {
        var words = Gen.Int[0, Pieces.Length - 1].Select(at => Pieces[at]);
        words
            .Array[0, 6]
            .Select(line => string.Join(" ", line))
            .Array[0, 30]
            .Sample(
                lines =>
                {
                    var session = new CliSession(_store, []);
                    foreach (var line in lines)
                    {
                        session.Execute(line);
                    }
                },
                iter: 300,
                threads: 1
            );
    }

    [Fact]
    public async Task AStreamIsServedLineByLine()
    {
        var session = new CliSession(_store, []);
        using var input = new MemoryStream([
            .. "get system ftm-push\r\nconfig system global\n"u8,
            3,
            .. "\xff\nexit\n"u8.ToArray().Select(b => b),
        ]);
        using var output = new MemoryStream();
        await ConsoleStream.RunAsync(session, input, output, echo: false, CancellationToken.None);
        var shown = System.Text.Encoding.UTF8.GetString(output.ToArray());
        Assert.StartsWith(
            "lab-appliance # proxy",
            shown.Replace("server-port", "proxy", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.Contains("lab-appliance (global) # \nlab-appliance # ", shown, StringComparison.Ordinal);
        Assert.True(session.Closed);
    }

    [Fact]
    public async Task AnEndlessLineIsRefusedAndTheNextOneServed()
    {
        var session = new CliSession(_store, []);
        using var input = new MemoryStream([.. new byte[200_000].Select(_ => (byte)'a'), .. "\nget system ftm-push\n"u8]);
        using var output = new MemoryStream();
        await ConsoleStream.RunAsync(session, input, output, echo: false, CancellationToken.None);
        var shown = System.Text.Encoding.UTF8.GetString(output.ToArray());
        Assert.Contains("string value is too long", shown, StringComparison.Ordinal);
        Assert.Contains("server-port         : 4433", shown, StringComparison.Ordinal);
    }

    private string Type(params string[] lines) =>
        ConsoleStream.TranscriptAsync(new CliSession(_store, []), string.Join('\n', lines) + "\n").GetAwaiter().GetResult();
}
