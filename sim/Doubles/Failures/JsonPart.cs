using System.Text.Json;
using Appliance.Firmware.Text;
using Appliance.Hal;

namespace Appliance.Doubles.Failures;

/// <summary>A field of an object in a JSON file.</summary>
/// <param name="Name">The field's name.</param>
/// <param name="Expected">The description of a valid value.</param>
/// <param name="Required">False: the field may be missing or null.</param>
internal readonly record struct JsonField(string Name, string Expected, bool Required = true);

/// <summary>
/// A part of a JSON file that an operator wrote. Every mistake is a <see cref="FormatException"/> that names the path, the expected value,
/// and the value found unless it is secret.
/// </summary>
internal sealed class JsonPart
{
    private const int ShownMax = 60;
    private readonly JsonElement _value;
    private readonly string _path;
    private readonly string _label;

    private JsonPart(JsonElement value, string path, string label)
    {
        _value = value;
        _path = path;
        _label = label;
    }

    /// <summary>Reads a whole file.</summary>
    public static JsonPart Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return new JsonPart(OutsideJson.Parse(json.ToArray()), "", "");
        }
        catch (JsonException wrong)
        {
            var place = wrong.LineNumber is { } line ? $"line {line + 1}, position {(wrong.BytePositionInLine ?? 0) + 1}: " : "";
            throw new FormatException($"{place}the file is not JSON without duplicate names (expected an object)", wrong);
        }
    }

    /// <summary>Returns this object after checking that all its names are known and no required one is missing.</summary>
    /// <param name="label">
    /// The kind of object and the field that names it (<c>user</c>, <c>name</c>), which every error message in it includes.
    /// </param>
    /// <param name="fields">The allowed fields.</param>
    public JsonPart Object((string What, string Field)? label, params ReadOnlySpan<JsonField> fields)
    {
        if (_value.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }
        var named =
            label is { } by && _value.TryGetProperty(by.Field, out var name) && name.ValueKind == JsonValueKind.String
                ? new JsonPart(_value, _path, $" ({by.What} {Cut(ControlCharacters.Mask(name.GetString()!))})")
                : this;
        foreach (var property in _value.EnumerateObject())
        {
            var known = false;
            foreach (var field in fields)
            {
                known |= field.Name == property.Name;
            }
            if (!known)
            {
                throw new FormatException(
                    $"{named.At(Cut(ControlCharacters.Mask(property.Name)))}{named._label} is no known field (expected {string.Join(", ", fields.ToArray().Select(field => field.Name))})"
                );
            }
        }
        foreach (var field in fields)
        {
            if (field.Required && named.Find(field.Name) is null)
            {
                throw new FormatException(
                    $"{named.At(field.Name)}{named._label} is missing from the JSON object (expected {field.Expected})"
                );
            }
        }
        return named;
    }

    /// <summary>Returns a field; null if it is missing or null.</summary>
    public JsonPart? Find(string name) =>
        _value.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? new JsonPart(value, At(name), _label) : null;

    /// <summary>Returns a field that is known to exist.</summary>
    public JsonPart this[string name] => Find(name)!;

    /// <summary>Returns the names and values of an object with arbitrary names.</summary>
    public IReadOnlyList<(string Name, JsonPart Value)> Entries() =>
        _value.ValueKind == JsonValueKind.Object
            ?
            [
                .. _value
                    .EnumerateObject()
                    .Select(property =>
                        (property.Name, new JsonPart(property.Value, At(Cut(ControlCharacters.Mask(property.Name))), _label))
                    ),
            ]
            : throw Wrong("an object");

    /// <summary>Returns the elements of a list.</summary>
    public IReadOnlyList<JsonPart> List() =>
        _value.ValueKind == JsonValueKind.Array
            ? [.. _value.EnumerateArray().Select((value, index) => new JsonPart(value, $"{_path}[{index}]", _label))]
            : throw Wrong("a list");

    /// <summary>Returns a text value.</summary>
    public string Text(string expected = "a text", bool secret = false) =>
        _value.ValueKind == JsonValueKind.String ? _value.GetString()! : throw Wrong(expected, secret);

    /// <summary>Returns a whole number.</summary>
    public int Number(int from, int to) =>
        _value.ValueKind == JsonValueKind.Number && _value.TryGetInt32(out var number) && number >= from && number <= to
            ? number
            : throw Wrong($"a whole number from {from} to {to}");

    /// <summary>Returns a port.</summary>
    public int Port() =>
        _value.ValueKind == JsonValueKind.Number && _value.TryGetInt32(out var port) && port is >= 0 and <= 65535
            ? port
            : throw Wrong("a port from 0 to 65535");

    /// <summary>Returns true or false.</summary>
    public bool Flag() =>
        _value.ValueKind is JsonValueKind.True or JsonValueKind.False ? _value.GetBoolean() : throw Wrong("true or false");

    /// <summary>Returns a time in ISO 8601 form.</summary>
    public DateTimeOffset Time() =>
        _value.ValueKind == JsonValueKind.String && _value.TryGetDateTimeOffset(out var time)
            ? time
            : throw Wrong("a time as 2027-01-31T12:00:00Z");

    /// <summary>Creates the exception for this part's invalid value.</summary>
    /// <param name="expected">The description of a valid value.</param>
    /// <param name="secret">True: the value is not displayed.</param>
    public FormatException Wrong(string expected, bool secret = false) =>
        new($"{(_path.Length > 0 ? _path : "the file")}{_label} must be {expected}, not {Shown(secret)}");

    /// <summary>Creates the exception for a text with the wrong prefix.</summary>
    public FormatException MustBegin(string with) => new($"{_path}{_label} must begin with {with}, not {Shown(secret: false)}");

    private string Shown(bool secret) =>
        _value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.Null => "null",
            JsonValueKind.String => secret ? "what is there" : $"'{Cut(ControlCharacters.Mask(_value.GetString()!))}'",
            JsonValueKind.Number => secret ? "a number" : Cut(_value.GetRawText()),
            _ => secret ? "true or false" : _value.GetRawText(),
        };

    private string At(string name) => _path.Length > 0 ? $"{_path}.{name}" : name;

    private static string Cut(string text) => text.Length <= ShownMax ? text : text[..ShownMax] + "...";
}
