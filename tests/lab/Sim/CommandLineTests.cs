using System.CommandLine;
using System.CommandLine.Completions;
using System.Net;
using Appliance.Bench;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Firmware.Config;
using Appliance.Tool;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>Every option of every verb with invalid values: an error in terms of the option, and never an exception.</summary>
public sealed class CommandLineTests
{
    private static readonly string[] Never = ["foo bar", "999.1.1.1:99999", "=,=", "\u202e", "x0"];

    public static TheoryData<string, string, string> BadValues
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var (path, option) in Options())
            {
                foreach (var value in BadValuesOf(option))
                {
                    rows.Add(path, option.Name, value);
                }
            }
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(BadValues))]
    public void A_bad_value_is_a_usage_error_in_words_of_the_option(string verb, string option, string value)
    {
        var errors = CommandLine.Errors(RootOf(verb).Parse([.. verb.Split(' '), .. Completed(verb), option, value]));
        Assert.NotEmpty(errors);
        Assert.Contains(
            errors,
            error => error.Contains(option, StringComparison.Ordinal) || error.Contains(value, StringComparison.Ordinal)
        );
        Assert.All(errors, error => Assert.DoesNotContain("System.", error, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("up --lab-port foo", "--lab-port: 'foo' is not a whole number in range")]
    [InlineData("soak --rate 1x", "--rate: '1x' is not a number")]
    [InlineData("phones --mqtt h:1 --count 1.5", "--count: '1.5' is not a whole number in range")]
    [InlineData("up --lab-port 65536", "--lab-port must be from 0 to 65535, not 65536")]
    public void A_value_of_another_type_is_named_with_its_option(string line, string message) =>
        Assert.Equal([message], CommandLine.Errors(RootOf(line).Parse(line.Split(' '))));

    [Fact]
    public void Free_text_and_missing_values_never_throw()
    {
        foreach (var (path, option) in Options())
        {
            foreach (var value in Never)
            {
                CommandLine.Errors(RootOf(path).Parse([.. path.Split(' '), option.Name, value]));
            }
            if (option.ValueType != typeof(bool))
            {
                Assert.NotEmpty(CommandLine.Errors(RootOf(path).Parse([.. path.Split(' '), option.Name])));
            }
        }
    }

    [Theory]
    [InlineData("--personality")]
    [InlineData("--release")]
    public void The_release_profile_has_two_names(string option)
    {
        var parsed = CommandLine.Create().Parse(["up", option, "7.2"]);
        Assert.Empty(CommandLine.Errors(parsed));
        Assert.Equal("7.2", parsed.GetValue<Personality>("--personality")!.Name);
        var error = Assert.Single(CommandLine.Errors(CommandLine.Create().Parse(["up", option, "5.0"])));
        Assert.StartsWith($"{option} must be one of ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_that_of_the_newest_entry_of_the_changelog()
    {
        var printed = new StringWriter();
        CommandLine.Create().Parse(["--version"]).Invoke(new() { Output = printed });
        var changes = File.ReadLines(Repository.PathOf("CHANGELOG.md"));
        Assert.Equal("## " + printed.ToString().Trim(), changes.First(line => line.StartsWith("## ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_verb_has_options_that_are_tested() =>
        Assert.True(BadValues.Select(row => row.Data.Item1.Split(' ')[0]).Distinct().Count() >= 9);

    [Theory]
    [InlineData("foo", "'foo' is not HOST:PORT (expected a port from 1 to 65535)")]
    [InlineData("h:99999", "'h:99999' is not HOST:PORT (expected a port from 1 to 65535)")]
    [InlineData("h:1,usr=x", "unknown option 'usr' (expected user=, password=, tls or ca=)")]
    [InlineData("h:1,user", "option 'user' has no value (expected user=...)")]
    [InlineData("h:1,ca=", "option 'ca' has no value (expected ca=...)")]
    [InlineData("h:1,password=x", "password requires user")]
    [InlineData("h:1,user=a,password=\"x", "a quote is not closed")]
    public void A_bad_broker_is_named(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => MqttAddress.Parse(text)).Message);

    [Fact]
    public void A_ca_file_that_is_none_is_named()
    {
        Assert.StartsWith(
            "ca: ",
            Assert.Throws<FormatException>(() => MqttAddress.Parse("h:1,ca=/no/such/file").WithAuthority()).Message,
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "ca: ",
            Assert
                .Throws<FormatException>(() => MqttAddress.Parse($"h:1,ca={typeof(CommandLineTests).Assembly.Location}").WithAuthority())
                .Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("h:1,user=ann,password=\"a,b\"", "a,b")]
    [InlineData("h:1,user=ann,password=\"a\\\"b\\\\\"", "a\"b\\")]
    [InlineData("h:1,user=ann,\"password=a,b=c\",tls", "a,b=c")]
    [InlineData("h:1,user=ann,password=a=b", "a=b")]
    [InlineData("h:1,user=ann,password=", "")]
    public void A_value_may_be_quoted(string text, string password) => Assert.Equal(password, MqttAddress.Parse(text).Password);

    /// <summary>The program that has a verb.</summary>
    private static RootCommand RootOf(string line) =>
        line.Split(' ')[0] is "bench" or "soak" ? BenchCommandLine.Create() : CommandLine.Create();

    /// <summary>The required options of a verb, so that a line is right except for the one value.</summary>
    private static string[] Completed(string verb) =>
        verb switch
        {
            "scenario" => ["--all"],
            "restore" => ["x.conf", "--check"],
            "bench" => ["--list"],
            _ => [],
        };

    private static string[] BadValuesOf(Option option)
    {
        var type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        return type == typeof(int) || type == typeof(long) ? ["foo", "1x", "99999999999999999999", "\u0661\u0662", "1.5"]
            : type == typeof(double) ? ["foo", "1x", "NaN", "1e999", "-1"]
            : type == typeof(IPEndPoint)
            || type == typeof(IPAddress)
            || type == typeof(ClockRate)
            || type == typeof(Personality)
            || type == typeof(MqttAddress)
                ? Never
            : type == typeof(string) && (option.Name == "--network" || option.GetCompletions(CompletionContext.Empty).Any()) ? Never
            : [];
    }

    /// <summary>Every option, with the words of its verb.</summary>
    private static IEnumerable<(string Path, Option Option)> Options()
    {
        var open = new Stack<(string Path, Command Command)>(
            CommandLine.Create().Subcommands.Concat(BenchCommandLine.Create().Subcommands).Select(verb => (verb.Name, verb))
        );
        while (open.TryPop(out var at))
        {
            foreach (var option in at.Command.Options.Where(option => option is not (System.CommandLine.Help.HelpOption or VersionOption)))
            {
                yield return (at.Path, option);
            }
            foreach (var inner in at.Command.Subcommands)
            {
                open.Push(($"{at.Path} {inner.Name}", inner));
            }
        }
    }
}
