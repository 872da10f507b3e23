using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Appliance.Tests.Config;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// A separate secret in every field that takes one. After any use of them, none is found in clear: not in the state folder, the log, the
/// events, the transcripts, nor in the output of a process that refuses to start or is killed.
/// </summary>
[Trait("Peer", "openfortivpn")]
public sealed partial class CanaryTests
{
    private const string SeedText = "canary-seed-20-bytes";
    private const string Typed = "canary-typed-password";

    private static readonly string SeedBase32 = OtpNet.Base32Encoding.ToString(Encoding.ASCII.GetBytes(SeedText));

    private static readonly string Users = $"""
        config user fortitoken
            edit "FTKMOB00000000CA"
                set seed "otpauth://totp/x?secret={SeedBase32}&period=60&digits=6"
                set reg-id "canary-phone"
            next
        end
        config user local
            edit "eve"
                set type password
                set passwd canary-password-of-eve
                set two-factor fortitoken
                set fortitoken "FTKMOB00000000CA"
            next
        end
        config vpn ssl settings
            set login-attempt-limit 0
        end

        """;

    /// <summary>A secret for each secret attribute of the schema that a table with nothing else can hold.</summary>
    private static readonly (string Configuration, IReadOnlyList<string> Secrets) Everywhere = SecretsOfTheSchema();

    [Fact]
    public async Task NoSecretIsFoundAnywhere()
    {
        var log = new Log();
        await using var lab = await TestLab.StartAsync(Everywhere.Configuration + Users, logs: log);
        var transcripts = new StringBuilder();
        var codes = new List<string>();
        async Task TypeAsync(params string[] lines) => transcripts.Append(await lab.CliAsync(lines));

        await TypeAsync(
            "show",
            "show full-configuration",
            "get user local eve",
            "get user fortitoken FTKMOB00000000CA",
            "diagnose fortitoken info",
            "execute log display"
        );
        await TypeAsync(
            "config user local",
            "edit eve",
            $"set passwd {Typed}1 extra",
            $"set passwd {Typed}2{new string('x', 300)}",
            $"set passwd ENC {Typed}3",
            $"set nothing {Typed}4",
            "show",
            "get",
            "abort"
        );
        await TypeAsync("config user fortitoken", "edit FTKMOB00000000CA", $"set seed {Typed}5", "show", "abort");

        codes.Add(lab.Code(Convert.ToHexString(Encoding.ASCII.GetBytes(SeedText))));
        codes.Add(lab.Code(Convert.ToHexString(Encoding.ASCII.GetBytes(SeedText)), secondsAhead: 6000));
        Assert.False((await lab.OpenfortivpnAsync("eve", Typed)).Authenticated);
        Assert.False((await lab.OpenfortivpnAsync("nobody", Typed)).Authenticated);
        Assert.False((await lab.OpenfortivpnAsync("eve", "canary-password-of-eve", "-o", codes[1])).Authenticated);
        Assert.True((await lab.OpenfortivpnAsync("eve", "canary-password-of-eve", "-o", codes[0])).Authenticated);
        await lab.AdvanceAsync(60);
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("approve"));
        Assert.True((await running).Authenticated);
        codes.Add(lab.Code(TestLab.AnnSeed));
        await TypeAsync("execute log display");

        var events = string.Join('\n', lab.EventLines());
        foreach (var secret in AllSecrets.Append("ann-password"))
        {
            AssertAbsent(secret, "the log", Encoding.UTF8.GetBytes(log.Text));
            AssertAbsent(secret, "the events", Encoding.UTF8.GetBytes(events));
            // A terminal echoes the typed text. The echo is no leak, and nothing else may repeat the text.
            AssertAbsent(secret, "what the console printed", Encoding.UTF8.GetBytes(WithoutEcho(transcripts.ToString())));
            AssertStateIsClean(lab.State, secret);
        }
        foreach (var code in codes)
        {
            Assert.DoesNotMatch($@"(?<!\d){code}(?!\d)", log.Text);
            Assert.DoesNotMatch($@"(?<!\d){code}(?!\d)", events);
            Assert.DoesNotMatch($@"(?<!\d){code}(?!\d)", transcripts.ToString());
        }
    }

    [Theory]
    [InlineData("set passwd canary-password extra")]
    [InlineData("set passwd \"canary-password")]
    [InlineData("set passwd ENC canary-password")]
    public async Task AConfigurationThatIsRefusedNamesTheLineAndNotTheSecret(string line)
    {
        await using var lab = new LabProcess();
        var (exit, output) = await lab.FailAsync($"config user local\nedit \"eve\"\n{line}\nnext\nend\n");
        Assert.Equal(3, exit);
        Assert.Contains("line 3", output, StringComparison.Ordinal);
        AssertAbsent("canary-password", "what it says", Encoding.UTF8.GetBytes(output));
    }

    [Fact]
    public async Task AProcessThatIsAbortedTellsNoSecret()
    {
        await using var lab = new LabProcess();
        await lab.StartAsync(Everywhere.Configuration + Users);
        await lab.CliAsync("show\nget user local eve\n");
        var output = await lab.AbortAsync();
        foreach (var secret in AllSecrets)
        {
            AssertAbsent(secret, "its last words", Encoding.UTF8.GetBytes(output));
            AssertStateIsClean(lab.State, secret);
        }
    }

    [Fact]
    public void TheSchemaHasManySecretsAndMostOfThemAreTried() => Assert.InRange(Everywhere.Secrets.Count, 25, 200);

    private static IEnumerable<string> AllSecrets => [.. Everywhere.Secrets, "canary-password-of-eve", Typed, SeedText, SeedBase32];

    private static void AssertStateIsClean(string folder, string secret)
    {
        // The lock and the socket are empty and cannot be read.
        foreach (
            var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0)
        )
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            AssertAbsent(secret, Path.GetFileName(file), bytes.ToArray());
        }
    }

    private static void AssertAbsent(string secret, string where, byte[] text)
    {
        var utf8 = Encoding.UTF8.GetBytes(secret);
        foreach (
            var form in new[]
            {
                utf8,
                Encoding.Unicode.GetBytes(secret),
                Encoding.ASCII.GetBytes(Convert.ToHexString(utf8)),
                Encoding.ASCII.GetBytes(Convert.ToHexStringLower(utf8)),
                Encoding.ASCII.GetBytes(Convert.ToBase64String(utf8).TrimEnd('=')[..^1]),
            }
        )
        {
            Assert.True(text.AsSpan().IndexOf(form) < 0, $"{secret} is in {where}");
        }
    }

    private static string WithoutEcho(string transcript) => Regex.Replace(transcript, "^[^\n]* # [^\n]*$", "", RegexOptions.Multiline);

    private static (string, IReadOnlyList<string>) SecretsOfTheSchema()
    {
        var (text, secrets) = (new StringBuilder(), new List<string>());
        foreach (var table in StoreFolder.Schema.Paths.Select(path => StoreFolder.Schema.Table(path)!))
        {
            foreach (
                var attribute in table.Attributes.Where(attribute =>
                    attribute.Secret && attribute.Kind == ValueKind.Text && table.Path != "user fortitoken"
                )
            )
            {
                var secret = $"canary{secrets.Count:00}{attribute.Name.Replace("-", "", StringComparison.Ordinal)}";
                secret = attribute.MaxLength > 0 && secret.Length > attribute.MaxLength ? secret[..attribute.MaxLength] : secret;
                var set = $"    set {attribute.Name} \"{secret}\"\n";
                string Block() =>
                    table.IsList
                        ? $"config {table.Path}\n    edit {(table.NumericKey ? "7" : table.Path == "system interface" ? "port4" : $"\"c{secrets.Count}\"")}\n{set}    next\nend\n"
                        : $"config {table.Path}\n{set}end\n";
                var (block, ignored) = (Block(), Check(Block()));
                // An entry needs its required attributes beside the secret.
                while (
                    ignored.Select(line => Missing().Match(line)).FirstOrDefault(match => match.Success) is { } missing
                    && !set.Contains($"set {missing.Groups[1].Value} ", StringComparison.Ordinal)
                )
                {
                    set += $"    set {missing.Groups[1].Value} 192.0.2.1\n";
                    (block, ignored) = (Block(), Check(Block()));
                }
                if (secret.Length >= 8 && ignored.Count == 0)
                {
                    text.Append(block);
                    secrets.Add(secret);
                }
            }
        }
        return (text.ToString(), secrets);
    }

    private static List<string> Check(string block) =>
        [.. ConfigStore.Check(StoreFolder.Schema, block, ConfigRules.Values).Select(line => line.Why)];

    [GeneratedRegex("Attribute '([\\w-]+)' MUST be set")]
    private static partial Regex Missing();

    /// <summary>Everything that anyone logs, at every level.</summary>
    private sealed class Log : ILoggerFactory, ILogger
    {
        private readonly StringBuilder _text = new();

        public string Text
        {
            get
            {
                lock (_text)
                {
                    return _text.ToString();
                }
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose() { }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            lock (_text)
            {
                _text.Append(formatter(state, exception)).Append(' ').Append(exception).Append('\n');
            }
        }
    }
}
