using System.Text.Json;
using System.Text.Json.Nodes;

namespace Appliance.Hal;

/// <summary>
/// An object of a board's file, read strictly. An unknown or missing key or a value of the wrong type is reported with its path.
/// </summary>
internal sealed class BoardNode
{
    private readonly JsonObject _fields;
    private readonly string _file;
    private readonly string _path;

    /// <summary>Reads an object. Every key must be a known one.</summary>
    internal BoardNode(JsonObject fields, string file, string path, params ReadOnlySpan<string> known)
    {
        _fields = fields;
        _file = file;
        _path = path;
        foreach (var (key, _) in fields)
        {
            if (!known.Contains(key))
            {
                throw Wrong(
                    key,
                    $"unknown key{(Spelling.Nearest(key, known) is { } near ? $"; did you mean '{near}'?" : "")} (known: {string.Join(", ", known)})"
                );
            }
        }
    }

    /// <summary>Returns a required text, which must not be empty.</summary>
    internal string Text(string key) => OptionalText(key) ?? throw Missing(key);

    /// <summary>Returns an optional text; null if it is absent.</summary>
    internal string? OptionalText(string key) =>
        _fields[key] switch
        {
            null => null,
            JsonValue value when value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is { Length: > 0 } text => text,
            var other => throw Wrong(key, $"must be a text, not {Shown(other)}"),
        };

    /// <summary>Returns one of several words; the first one if the key is absent.</summary>
    internal string Word(string key, params ReadOnlySpan<string> words)
    {
        var word = OptionalText(key) ?? words[0];
        return words.Contains(word)
            ? word
            : throw Wrong(
                key,
                $"must be one of {string.Join(", ", words)}, not '{word}'{(Spelling.Nearest(word, words) is { } near ? $"; did you mean '{near}'?" : "")}"
            );
    }

    /// <summary>Returns a required whole number.</summary>
    internal int Whole(string key, int min, int max) => OptionalWhole(key, min, max) ?? throw Missing(key);

    /// <summary>Returns an optional whole number; null if it is absent.</summary>
    internal int? OptionalWhole(string key, int min, int max) =>
        _fields[key] switch
        {
            null => null,
            JsonValue value when value.TryGetValue<int>(out var number) && number >= min && number <= max => number,
            var other => throw Wrong(key, $"must be a whole number from {min} to {max}, not {Shown(other)}"),
        };

    /// <summary>Returns true or false; <paramref name="otherwise"/> if the key is absent.</summary>
    internal bool Flag(string key, bool otherwise = false) =>
        _fields[key] switch
        {
            null => otherwise,
            JsonValue value when value.TryGetValue<bool>(out var flag) => flag,
            var other => throw Wrong(key, $"must be true or false, not {Shown(other)}"),
        };

    /// <summary>Returns a nested object; null if it is absent.</summary>
    internal BoardNode? Child(string key, params ReadOnlySpan<string> known) =>
        _fields[key] switch
        {
            null => null,
            JsonObject child => new BoardNode(child, _file, PathOf(key), known),
            var other => throw Wrong(key, $"must be an object, not {Shown(other)}"),
        };

    /// <summary>Returns the objects of a list; empty if it is absent.</summary>
    internal IReadOnlyList<BoardNode> List(string key, params string[] known) =>
        _fields[key] switch
        {
            null => [],
            JsonArray list =>
            [
                .. list.Select(
                    (item, at) =>
                        item is JsonObject child
                            ? new BoardNode(child, _file, $"{PathOf(key)}[{at}]", known)
                            : throw Wrong($"{key}[{at}]", $"must be an object, not {Shown(item)}")
                ),
            ],
            var other => throw Wrong(key, $"must be a list, not {Shown(other)}"),
        };

    /// <summary>Returns the texts of a required list.</summary>
    internal IReadOnlyList<string> Texts(string key) =>
        _fields[key] switch
        {
            null => throw Missing(key),
            JsonArray list =>
            [
                .. list.Select(
                    (item, at) =>
                        item is JsonValue value && value.TryGetValue<string>(out var text)
                            ? text
                            : throw Wrong($"{key}[{at}]", $"must be a text, not {Shown(item)}")
                ),
            ],
            var other => throw Wrong(key, $"must be a list, not {Shown(other)}"),
        };

    /// <summary>Creates the error about a key, in words for the operator.</summary>
    internal FormatException Wrong(string key, string why) => new($"{_file}: {PathOf(key)}: {why}");

    internal FormatException Missing(string key) => Wrong(key, "is missing");

    private string PathOf(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static string Shown(JsonNode? node)
    {
        var text = node?.ToJsonString() ?? "null";
        return text.Length <= 40 ? text : text[..40] + "…";
    }
}
