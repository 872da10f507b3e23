using System.Text.Json;
using System.Text.Unicode;

namespace Appliance.Hal;

/// <summary>
/// Reads JSON from outside and validates all of it first. The platform decodes a string only when it is requested, and throws then.
/// </summary>
internal static class OutsideJson
{
    /// <summary>Parses a whole text and returns its root element.</summary>
    /// <exception cref="JsonException">The text is not UTF-8, not JSON or deeper than <paramref name="depth"/>, or it has a duplicate
    /// property or half of a surrogate pair.</exception>
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
            if (
                reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName)
                || (!reader.ValueIsEscaped && reader.TokenType == JsonTokenType.String)
            )
            {
                continue;
            }
            if (Text(ref reader) is not { } text)
            {
                throw new JsonException(
                    $"{(reader.TokenType == JsonTokenType.PropertyName ? "a name" : name.Length == 0 ? "a string" : $"'{name}'")} contains half of a surrogate pair"
                );
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
