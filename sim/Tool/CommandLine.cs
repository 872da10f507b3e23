using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Appliance.Tool;

/// <summary>The verbs of <c>./run</c>, and the errors of a command line.</summary>
internal static partial class CommandLine
{
    /// <summary>The root command with every verb.</summary>
    public static RootCommand Create() =>
        new(
            """
            A lab appliance that behaves, at its edges, like a FortiGate doing FortiToken Mobile push. Without a verb: up.
            Not affiliated with Fortinet.

            Example: run up --headless --state /tmp/lab --clock frozen

            Benchmarks are a separate program of the checkout: run bench --list, run soak --help.
            """
        )
        {
            UpVerb.Create(),
            PhoneVerb.Create(),
            InboxVerb.Create(),
            LoginsVerb.Create(),
            CliVerb.Create(),
            RestoreVerb.Create(),
            FacVerb.Create(),
            DoubleVerb.Apns(),
            DoubleVerb.Fcm(),
            PhonesVerb.Create(),
            ScenarioVerb.Create(),
        };

    /// <summary>The errors of a command line, in terms of its options; empty if there are none.</summary>
    public static IReadOnlyList<string> Errors(ParseResult parsed) =>
        [
            .. parsed
                .Errors.Select(error =>
                    Conversion().Match(error.Message) is { Success: true } conversion
                        ? $"{(conversion.Groups["option"] is { Success: true, Value: var option } ? option + ": " : "")}'{conversion.Groups["value"].Value}' is not {Expectation(conversion.Groups["type"].Value)}"
                        : error.Message
                )
                .Distinct(),
        ];

    /// <summary>
    /// The value of an option, for a rule over several options. It is the type's default if the option's text is invalid, which is
    /// reported as a separate error.
    /// </summary>
    public static T? GetValueOrDefault<T>(this CommandResult result, Option<T> option)
    {
        try
        {
            return result.GetValue(option);
        }
        catch (InvalidOperationException)
        {
            return default;
        }
    }

    private static string Expectation(string type) =>
        type switch
        {
            "System.Boolean" => "true or false",
            "System.Double" or "System.Single" or "System.Decimal" => "a number",
            "System.Int32" or "System.Int64" => "a whole number in range",
            _ => "a value that it takes",
        };

    // The parser's message names the .NET type to which a text could not be converted.
    [GeneratedRegex(
        @"^Cannot parse argument '(?<value>.*?)' (?:for option '(?<option>[^']+)' )?as expected type '(?:System\.Nullable`1\[)?<?(?<type>[\w.]+)",
        RegexOptions.Singleline
    )]
    private static partial Regex Conversion();
}
