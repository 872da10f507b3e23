using System.Text.Json;
using System.Text.Unicode;

namespace Appliance.Hal;

/// <summary>
/// JSON from outside, read so that nothing in it can surprise later: the framework looks at the text of a string only when it is asked for,
/// and throws then.
/// </summary>
internal static class OutsideJson
{
    /// <summary>The root of a whole text.</summary>
    /// <exception cref="JsonException">It is not UTF-8, not JSON, deeper than <paramref name="depth"/>, or has a property twice or half of a surrogate pair.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> json, int depth = 16)
    {
        if (!Utf8.IsValid(json.Span))
        {
            throw new JsonException("it is not UTF-8");
        }
        var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = depth });
        var name = "";
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || (!reader.ValueIsEscaped && reader.TokenType == JsonTokenType.String))
            {
                continue;
            }
            if (Text(ref reader) is not { } text)
            {
                throw new JsonException($"{(reader.TokenType == JsonTokenType.PropertyName ? "a name" : name.Length == 0 ? "a string" : $"'{name}'")} holds half of a surrogate pair");
            }
            name = reader.TokenType == JsonTokenType.PropertyName ? text : name;
        }
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = depth });
        return document.RootElement.Clone();
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
