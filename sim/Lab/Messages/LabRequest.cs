using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Appliance.Hal;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Messages;

/// <summary>Reads requests strictly: unknown input is refused by name, never ignored.</summary>
internal static class LabRequest
{
    public const int MaxBody = 64 * 1024;

    public static async Task<string> TextAsync(HttpRequest request)
    {
        var body = await BodyAsync(request);
        if (body.AsSpan().Contains((byte)0))
        {
            throw LabProblem.Bad("the body contains a NUL byte; it is not text");
        }
        return Encoding.UTF8.GetString(body);
    }

    public static async Task NoBodyAsync(HttpRequest request)
    {
        if ((await BodyAsync(request)).Length > 0)
        {
            throw LabProblem.Bad($"{request.Method} {request.Path} expects no body");
        }
    }

    /// <summary>Reads the fields of the body; none if there is no body.</summary>
    public static async Task<Dictionary<string, JsonElement>> OptionalObjectAsync(HttpRequest request, params string[] known)
    {
        var body = await BodyAsync(request);
        return body.Length == 0 ? [] : Fields(body, known);
    }

    /// <summary>Reads the fields of a JSON object: at least one, each one of <paramref name="known"/>, none repeated.</summary>
    public static async Task<Dictionary<string, JsonElement>> ObjectAsync(HttpRequest request, params string[] known)
    {
        var body = await BodyAsync(request);
        return Fields(body, known);
    }

    /// <summary>Reads the fields of a parsed object.</summary>
    public static Dictionary<string, JsonElement> Fields(JsonElement root, params string[] known)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw LabProblem.Bad($"the body must be a JSON object, not {Word(root)}");
        }
        var fields = new Dictionary<string, JsonElement>();
        foreach (var property in root.EnumerateObject())
        {
            if (!known.Contains(property.Name))
            {
                throw LabProblem.Bad($"unknown field '{property.Name}'; known: {string.Join(", ", known)}");
            }
            fields[property.Name] = property.Value;
        }
        return fields.Count > 0 ? fields : throw LabProblem.Bad($"the body is empty; known fields: {string.Join(", ", known)}");
    }

    public static string Word(Dictionary<string, JsonElement> fields, string name, params string[] allowed)
    {
        var value = fields[name];
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } word && allowed.Contains(word))
        {
            return word;
        }
        throw LabProblem.Bad($"{name} must be one of {string.Join(", ", allowed)}, not {Word(value)}");
    }

    public static string Text(Dictionary<string, JsonElement> fields, string name)
    {
        if (!fields.TryGetValue(name, out var value))
        {
            throw LabProblem.Bad($"the field '{name}' is missing");
        }
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw LabProblem.Bad($"{name} must be a text, not {Word(value)}");
    }

    public static double Number(Dictionary<string, JsonElement> fields, string name, double min, double max)
    {
        var value = fields[name];
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max
            ? number
            : throw LabProblem.Bad($"{name} must be a number from {min} to {max}, not {Word(value)}");
    }

    public static bool Flag(Dictionary<string, JsonElement> fields, string name) =>
        fields[name].ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw LabProblem.Bad($"{name} must be true or false, not {Word(fields[name])}"),
        };

    /// <summary>
    /// Reads the query: each parameter is one of <paramref name="known"/>, none repeated, each a whole number in its range.
    /// </summary>
    public static Dictionary<string, long> Query(HttpRequest request, params (string Name, long Max)[] known)
    {
        var numbers = new Dictionary<string, long>();
        foreach (var (name, values) in request.Query)
        {
            var max = known.FirstOrDefault(parameter => parameter.Name == name).Max;
            if (max == 0)
            {
                throw LabProblem.Bad(
                    $"unknown parameter '{name}'{(known.Length == 0 ? "" : "; known: " + string.Join(", ", known.Select(parameter => parameter.Name)))}"
                );
            }
            if (
                values is not [{ } text]
                || !long.TryParse(text, System.Globalization.NumberStyles.None, null, out var number)
                || number > max
            )
            {
                throw LabProblem.Bad($"{name} must be one whole number from 0 to {max}");
            }
            numbers[name] = number;
        }
        return numbers;
    }

    private static Dictionary<string, JsonElement> Fields(byte[] body, string[] known)
    {
        JsonElement root;
        try
        {
            root = OutsideJson.Parse(body, depth: 8);
        }
        catch (JsonException wrong)
        {
            throw LabProblem.Bad($"the body is not JSON: {wrong.Message}");
        }
        return Fields(root, known);
    }

    private static async Task<byte[]> BodyAsync(HttpRequest request)
    {
        var buffer = new ArrayBufferWriter<byte>();
        while (await request.Body.ReadAsync(buffer.GetMemory(4096), request.HttpContext.RequestAborted) is > 0 and var length)
        {
            buffer.Advance(length);
            if (buffer.WrittenCount > MaxBody)
            {
                throw new LabProblem(StatusCodes.Status413PayloadTooLarge, $"the body is larger than {MaxBody} bytes");
            }
        }
        return Utf8.IsValid(buffer.WrittenSpan) ? buffer.WrittenSpan.ToArray() : throw LabProblem.Bad("the body is not valid UTF-8");
    }

    private static string Word(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}
