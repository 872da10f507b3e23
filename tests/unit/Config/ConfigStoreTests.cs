using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Xunit;

namespace Appliance.Tests.Config;

public sealed class ConfigStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheReadyMadeLabIsUnderstoodWhole()
    {
        var store = _folder.Open(LabBoard.DefaultConfiguration());
        Assert.Empty(ConfigStore.Check(StoreFolder.Schema, LabBoard.DefaultConfiguration()));
        Assert.Equal("ann-password", store.Current.List("user local").Find("ann")!.Text("passwd"));
        Assert.Equal(4433, store.Current.Object("system ftm-push").Number("server-port"));
        Assert.Equal(["ping", "https", "ftm"], store.Current.List("system interface").Find("port1")!.Words("allowaccess"));
    }

    [Fact]
    public void WhatIsSavedIsWhatBoots()
    {
        var store = _folder.Open(LabBoard.DefaultConfiguration());
        Assert.Null(store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", ["4434"]))));
        var again = _folder.Open("this is not read");
        Assert.Equal(Show(store.Current), Show(again.Current));
        Assert.Equal(4434, again.Current.Object("system ftm-push").Number("server-port"));
        Assert.Empty(again.Ignored);
        Assert.Null(again.BootWarning);
    }

    [Fact]
    public void NoSecretIsInTheFile()
    {
        _folder.Open(LabBoard.DefaultConfiguration());
        var text = File.ReadAllText(_folder.File);
        Assert.DoesNotContain("ann-password", text, StringComparison.Ordinal);
        Assert.DoesNotContain("NRQWELLT", text, StringComparison.Ordinal);
        Assert.Contains("set passwd ENC ", text, StringComparison.Ordinal);
        Assert.Contains("set seed ENC ", text, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File));
        }
    }

    [Theory]
    [InlineData("config system ftm-push\nset server-port 0\nend\n", "line 2")]
    [InlineData("config system nonsense\nset a b\nend\n", "line 1")]
    [InlineData("config user local\nedit \"ann\"\nset passwd \"open", "line 3")]
    [InlineData("config user group\nedit \"g\"\nset member \"nobody\"\nnext\nend\n", "nobody")]
    [InlineData("config system global\nset hostname \"x\"\n", "ends inside")]
    [InlineData("config user fortitoken\nedit \"FTKMOB1\"\nset seed \"not a seed\"\nnext\nend\n", "line 3")]
    public void AWrongFirstConfigurationIsNamedAndNothingIsWritten(string text, string named)
    {
        var error = Assert.Throws<FormatException>(() => _folder.Open(text));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File));
    }

    [Fact]
    public void ADamagedFileBootsTheRevisionBefore()
    {
        var store = _folder.Open(LabBoard.DefaultConfiguration());
        SetPort(store, "5001");
        SetPort(store, "5002");
        File.WriteAllText(_folder.File, File.ReadAllText(_folder.File).Replace("5002", "5003", StringComparison.Ordinal));
        var again = _folder.Open();
        Assert.Contains("damaged", again.BootWarning, StringComparison.Ordinal);
        Assert.Equal(5001, again.Current.Object("system ftm-push").Number("server-port"));
        Assert.Null(_folder.Open().BootWarning);
    }

    [Fact]
    public void EveryTruncationBootsOldOrNewAndNeverHalf()
    {
        var store = _folder.Open("config system global\nset hostname \"a\"\nend\n");
        SetPort(store, "5001");
        SetPort(store, "5002");
        var whole = File.ReadAllBytes(_folder.File);
        var revision = File.ReadAllBytes(_folder.Revision(2));
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(_folder.File, whole[..length]);
            File.WriteAllBytes(_folder.Revision(2), revision);
            var port = _folder.Open().Current.Object("system ftm-push").Number("server-port");
            Assert.Equal(length == whole.Length ? 5002 : 5001, port);
        }
    }

    [Fact]
    public void BothDamagedDoesNotBoot()
    {
        var store = _folder.Open();
        SetPort(store, "5001");
        File.WriteAllText(_folder.File, "x");
        File.WriteAllText(_folder.Revision(1), "y");
        Assert.Throws<InvalidDataException>(() => _folder.Open());
    }

    [Fact]
    public void ALineOfAnotherVersionIsNamedAndTheRestStands()
    {
        var (line, rest) = ("    set server \"push.example\"\n", "    set server-port 5001\n");
        var ignored = ConfigStore.Check(
            StoreFolder.Schema,
            "config system ftm-push\n" + line + rest + "end\nconfig firewall nothing\n    edit 1\n        set name \"x\"\n    next\nend\n"
        );
        Assert.Equal([2, 5], ignored.Select(one => one.Number));
    }

    [Fact]
    public void ARefusedCommitIsUndoneEverywhere()
    {
        var store = _folder.Open();
        var seen = new List<string>();
        var first = new Recorder(port => seen.Add($"first {port}"), refuses: 0);
        var second = new Recorder(port => seen.Add($"second {port}"), refuses: 5001);
        Assert.Null(store.Subscribe(first));
        Assert.Null(store.Subscribe(second));
        var error = store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", ["5001"])));
        Assert.Equal(-1, error!.Code);
        Assert.Equal(["first 4433", "second 4433", "first 5001", "second 5001", "first 4433"], seen);
        Assert.Equal(4433, store.Current.Object("system ftm-push").Number("server-port"));
        Assert.Equal(4433, _folder.Open().Current.Object("system ftm-push").Number("server-port"));
    }

    /// <summary>A full disk refuses the new file before any service is touched.</summary>
    [Fact]
    public void A_save_whose_file_cannot_be_written_touches_no_service()
    {
        var store = _folder.Open();
        var seen = new List<string>();
        store.Subscribe(new Recorder(port => seen.Add($"{port}"), refuses: 0, port => seen.Add($"{port} in force")));
        Directory.CreateDirectory(_folder.File + ".new"); // The place of the new file.
        try
        {
            Assert.NotNull(
                store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", ["5001"])))
            );
        }
        finally
        {
            Directory.Delete(_folder.File + ".new");
        }
        Assert.Equal(["4433", "4433 in force"], seen);
        Assert.Equal(4433, store.Current.Object("system ftm-push").Number("server-port"));
    }

    [Fact]
    public void A_save_whose_file_cannot_be_put_in_place_is_undone_and_never_in_force()
    {
        var store = _folder.Open();
        var seen = new List<string>();
        store.Subscribe(new Recorder(port => seen.Add($"{port}"), refuses: 0, port => seen.Add($"{port} in force")));
        File.WriteAllText(Path.Combine(_folder.Folder, "revisions"), ""); // The place of the folder of revisions.
        Assert.NotNull(store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", ["5001"]))));
        Assert.Equal(["4433", "4433 in force", "5001", "4433"], seen);
        File.Delete(Path.Combine(_folder.Folder, "revisions"));
        SetPort(store, "5001");
        Assert.Equal(["5001", "5001 in force"], seen[4..]);
        Assert.Equal(5001, _folder.Open().Current.Object("system ftm-push").Number("server-port"));
        Assert.False(File.Exists(_folder.File + ".new"));
    }

    [Fact]
    public void ARuleRefusesWhatTheSchemaCannotSay()
    {
        var store = _folder.Open();
        store.AddRule(tree => tree.Object("system ftm-push").Number("server-port") == 7 ? new ConfigError(-45, "not seven") : null);
        Assert.Equal(
            -45,
            store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", ["7"])))!.Code
        );
    }

    private static void SetPort(ConfigStore store, string port) =>
        Assert.Null(store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", [port]))));

    private static string Show(ConfigTree tree) => new ConfigText(secret => secret).Tree(tree).ToString();

    private sealed class Recorder(Action<long> seen, long refuses, Action<long>? inForce = null) : IConfigSubscriber
    {
        public ConfigError? Apply(ConfigTree previous, ConfigTree next)
        {
            var port = next.Object("system ftm-push").Number("server-port");
            seen(port);
            return port == refuses ? new ConfigError(-1, "refused") : null;
        }

        public void InForce(ConfigTree previous, ConfigTree next) => inForce?.Invoke(next.Object("system ftm-push").Number("server-port"));
    }
}
