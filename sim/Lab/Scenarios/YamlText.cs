using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Appliance.Lab.Scenarios;

/// <summary>Strict YAML: one document of limited size and depth, each key once, no anchors and no tags. JSON is YAML as well.</summary>
internal static partial class YamlText
{
    internal const int LengthMax = 64 * 1024;
    private const int DepthMax = 12;

    /// <summary>Returns the document's root.</summary>
    /// <exception cref="FormatException">The document is invalid; the message begins with the line.</exception>
    public static YamlNode Parse(string text)
    {
        if (text.Length > LengthMax)
        {
            throw new FormatException($"1: it has {text.Length} characters (limit {LengthMax})");
        }
        try
        {
            Check(text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 1
                ? stream.Documents[0].RootNode
                : throw new FormatException(stream.Documents.Count == 0 ? "1: it is empty" : "1: it holds more than one document");
        }
        catch (YamlException wrong)
        {
            throw new FormatException($"{wrong.Start.Line}: it is not YAML: {(wrong.InnerException ?? wrong).Message}", wrong);
        }
    }

    /// <summary>Converts to JSON: plain scalars that look like numbers, true, false or null become those, all others text.</summary>
    public static JsonNode? ToJson(YamlNode node) =>
        node switch
        {
            YamlMappingNode map => new JsonObject(
                map.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, ToJson(pair.Value)))
            ),
            YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
            YamlScalarNode { Style: not ScalarStyle.Plain } quoted => JsonValue.Create(quoted.Value),
            YamlScalarNode { Value: null or "" or "null" or "~" } => null,
            YamlScalarNode { Value: "true" } => JsonValue.Create(true),
            YamlScalarNode { Value: "false" } => JsonValue.Create(false),
            YamlScalarNode { Value: { } text }
                when Number().IsMatch(text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) =>
                number == Math.Floor(number) && Math.Abs(number) < 1e15 ? JsonValue.Create((long)number) : JsonValue.Create(number),
            YamlScalarNode plain => JsonValue.Create(plain.Value),
            _ => throw new FormatException($"{node.Start.Line}: this is nothing that JSON has"),
        };

    /// <summary>Rejects, before parsing, structures by which a small file could become large.</summary>
    private static void Check(string text)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            switch (parser.Current)
            {
                case { } deep when depth > DepthMax:
                    throw new FormatException($"{deep.Start.Line}: it is nested too deeply");
                case AnchorAlias or NodeEvent { Anchor.IsEmpty: false } or NodeEvent { Tag.IsEmpty: false }:
                    throw new FormatException($"{parser.Current.Start.Line}: anchors, aliases and tags are not taken");
            }
        }
    }

    // Numbers as in RFC 8259, so that every reader agrees on them; 0100032160 is a text.
    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")]
    private static partial Regex Number();
}
