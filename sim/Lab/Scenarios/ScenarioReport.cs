using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Xml;
using Appliance.Firmware.Text;

namespace Appliance.Lab.Scenarios;

/// <summary>An entry of the list of scenarios.</summary>
internal sealed record ScenarioJson(string Name, string Title, IReadOnlyList<string> Needs);

internal sealed record ScenarioFailureJson(int Step, int Line, string What, string Expected, string Seen, IReadOnlyList<string> Timeline);

/// <summary>The result of a scenario. <c>eventLogSha256</c> is the same for the same scenario and seed.</summary>
internal sealed record ScenarioResultJson(
    string Name,
    string Title,
    int Seed,
    string Outcome,
    int Steps,
    string? Skipped,
    ScenarioFailureJson? Failure,
    int Events,
    string EventLogSha256,
    double Seconds
)
{
    public static ScenarioResultJson Of(ScenarioResult result) =>
        new(
            result.Name,
            result.Title,
            result.Seed,
            result.Outcome,
            result.Steps,
            result.Skipped,
            result.Failure is { } failure
                ? new(failure.Step, failure.Line, failure.What, failure.Expected, failure.Seen, failure.Timeline)
                : null,
            result.EventLog.Count(c => c == '\n'),
            result.EventLogDigest,
            Math.Round(result.Seconds, 3)
        );
}

/// <summary>The results of a run of several scenarios.</summary>
internal sealed record ScenarioReportJson(int Passed, int Failed, int Skipped, IReadOnlyList<ScenarioResultJson> Scenarios);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ScenarioReportJson))]
[JsonSerializable(typeof(IReadOnlyList<ScenarioJson>))]
internal sealed partial class ScenarioJsonContext : JsonSerializerContext;

/// <summary>Renders results as text, JSON and JUnit XML.</summary>
internal static class ScenarioReport
{
    public static string Json(IReadOnlyList<ScenarioResult> results) =>
        JsonSerializer.Serialize(
            new ScenarioReportJson(
                results.Count(result => result.Outcome == "passed"),
                results.Count(result => result.Outcome == "failed"),
                results.Count(result => result.Outcome == "skipped"),
                [.. results.Select(ScenarioResultJson.Of)]
            ),
            ScenarioJsonContext.Default.ScenarioReportJson
        );

    /// <summary>Prints one line for each scenario, more for a failed one, and the totals.</summary>
    public static string Text(IReadOnlyList<ScenarioResult> results)
    {
        var text = new StringBuilder();
        foreach (var result in results)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{result.Outcome,-8}{result.Name} (seed {result.Seed}, {result.Steps} steps, {result.Seconds:0.00} s){(result.Skipped is { } why ? $": {why}" : "")}\n"
            );
            if (result.Failure is { } failure)
            {
                text.Append(Failure(failure));
            }
        }
        text.Append(
            CultureInfo.InvariantCulture,
            $"{results.Count(result => result.Outcome == "passed")} passed, {results.Count(result => result.Outcome == "failed")} failed, {results.Count(result => result.Outcome == "skipped")} skipped\n"
        );
        return text.ToString();
    }

    /// <summary>Writes the JUnit report.</summary>
    public static void JUnit(Stream to, IReadOnlyList<ScenarioResult> results)
    {
        using var xml = XmlWriter.Create(
            to,
            new XmlWriterSettings
            {
                Indent = true,
                Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
                CheckCharacters = true,
            }
        );
        string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
        xml.WriteStartElement("testsuites");
        xml.WriteStartElement("testsuite");
        xml.WriteAttributeString("name", "scenarios");
        xml.WriteAttributeString("tests", results.Count.ToString(CultureInfo.InvariantCulture));
        xml.WriteAttributeString("failures", results.Count(result => result.Failure is not null).ToString(CultureInfo.InvariantCulture));
        xml.WriteAttributeString("errors", "0");
        xml.WriteAttributeString("skipped", results.Count(result => result.Skipped is not null).ToString(CultureInfo.InvariantCulture));
        xml.WriteAttributeString("time", Number(results.Sum(result => result.Seconds)));
        foreach (var result in results)
        {
            xml.WriteStartElement("testcase");
            xml.WriteAttributeString("classname", "scenario");
            xml.WriteAttributeString("name", result.Name);
            xml.WriteAttributeString("time", Number(result.Seconds));
            if (result.Failure is { } failure)
            {
                xml.WriteStartElement("failure");
                xml.WriteAttributeString("message", Printable($"step {failure.Step} ({failure.What}): expected {failure.Expected}"));
                xml.WriteString(Printable(Failure(failure)));
                xml.WriteEndElement();
            }
            if (result.Skipped is { } why)
            {
                xml.WriteStartElement("skipped");
                xml.WriteAttributeString("message", Printable(why));
                xml.WriteEndElement();
            }
            xml.WriteElementString("system-out", Printable($"seed {result.Seed}, event log sha256 {result.EventLogDigest}"));
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    /// <summary>Writes a report whose only error is that no scenario could be run.</summary>
    /// <param name="to">The file.</param>
    /// <param name="name">The requested scenario or file.</param>
    /// <param name="message">The reason why it was not run.</param>
    public static void JUnit(Stream to, string name, string message)
    {
        using var xml = XmlWriter.Create(
            to,
            new XmlWriterSettings
            {
                Indent = true,
                Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
                CheckCharacters = true,
            }
        );
        xml.WriteStartElement("testsuites");
        xml.WriteStartElement("testsuite");
        foreach (
            var (attribute, value) in new[]
            {
                ("name", "scenarios"),
                ("tests", "1"),
                ("failures", "0"),
                ("errors", "1"),
                ("skipped", "0"),
                ("time", "0.000"),
            }
        )
        {
            xml.WriteAttributeString(attribute, value);
        }
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", "scenario");
        xml.WriteAttributeString("name", Printable(name));
        xml.WriteAttributeString("time", "0.000");
        xml.WriteStartElement("error");
        xml.WriteAttributeString("message", Printable(message));
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    private static string Failure(ScenarioFailure failure)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"  step {failure.Step}, line {failure.Line}: {Printable(failure.What)}\n    expected: {Printable(failure.Expected)}\n    seen:     {Printable(failure.Seen).Replace("\n", "\n              ", StringComparison.Ordinal)}\n"
        );
        if (failure.Timeline.Count > 0)
        {
            text.Append("    the login, step by step:\n");
            failure.Timeline.ToList().ForEach(line => text.Append("      ").Append(Printable(line)).Append('\n'));
        }
        return text.ToString();
    }

    /// <summary>Removes control characters, so that typed text neither controls a terminal nor breaks the XML.</summary>
    internal static string Printable(string text) =>
        string.Concat(text.Select(c => c != '\n' && (ControlCharacters.Includes(c) || char.IsSurrogate(c) || c >= '\ufffe') ? '?' : c));
}
