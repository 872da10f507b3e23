using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Appliance.Hal;

namespace Appliance.Doubles.Faults;

/// <summary>Reads and writes faults as JSON (docs/use/faults.md). Reading is strict, and each mistake is named.</summary>
internal static class FaultText
{
    private const int FaultsMax = 100;
    private const double DelayMax = 86_400_000;
    private const double SecondsMax = 366d * 24 * 3600;

    private static readonly string[] Common = ["fault", "times", "p", "after", "match", "seed"];

    /// <summary>Reads a list of faults.</summary>
    /// <exception cref="FormatException">The list is invalid; the message names the position.</exception>
    public static IReadOnlyList<Fault> Read(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException($"faults must be a list, not {Short(list)}");
        }
        if (list.GetArrayLength() > FaultsMax)
        {
            throw new FormatException($"faults may have {FaultsMax} entries, not {list.GetArrayLength()}");
        }
        return [.. list.EnumerateArray().Select((fault, index) => One(fault, $"faults[{index}]"))];
    }

    /// <summary>Reads a file in the form of the body of <c>PUT /lab/faults</c>.</summary>
    /// <exception cref="FormatException">The file is invalid; the message names the position.</exception>
    public static IReadOnlyList<Fault> Read(byte[] file)
    {
        try
        {
            return
                OutsideJson.Parse(file, depth: 8) is { ValueKind: JsonValueKind.Object } root
                && root.EnumerateObject().ToArray() is [{ Name: "faults", Value: var list }]
                ? Read(list)
                : throw new FormatException("it must be an object with the one field faults");
        }
        catch (JsonException wrong)
        {
            throw new FormatException($"it is not JSON: {wrong.Message}", wrong);
        }
    }

    /// <summary>Writes the board as <c>GET /lab/faults</c> returns it: each configured fault, and the number of its firings.</summary>
    public static JsonObject Write(IReadOnlyList<FaultState> faults) =>
        new()
        {
            ["faults"] = new JsonArray([
                .. faults.Select(state =>
                {
                    var (fault, json) = (state.Fault, new JsonObject { ["fault"] = state.Fault.Word.Name });
                    void Put(string name, JsonNode? value)
                    {
                        if (value is not null)
                        {
                            json[name] = value;
                        }
                    }
                    Put("times", fault.Times);
                    Put("p", fault.Probability);
                    Put("after", fault.After.TotalSeconds);
                    if (fault.Match is { } match)
                    {
                        var whom = new JsonObject();
                        foreach (
                            var (name, value) in new[] { ("user", match.User), ("src", match.Source?.ToString()), ("phone", match.Phone) }
                        )
                        {
                            if (value is not null)
                            {
                                whom[name] = value;
                            }
                        }
                        Put("match", whom);
                    }
                    Put("seed", fault.Seed);
                    Put("delayMs", fault.Delay?.TotalMilliseconds);
                    Put("retryAfterSeconds", fault.RetryAfter?.TotalSeconds);
                    Put("skewSeconds", fault.Skew?.TotalSeconds);
                    Put("stepSeconds", fault.Step?.TotalSeconds);
                    Put("nic", fault.Nic);
                    Put("fired", state.Fired);
                    Put("left", state.Left);
                    return (JsonNode)json;
                }),
            ]),
        };

    private static Fault One(JsonElement fault, string at)
    {
        if (fault.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{at} must be an object, not {Short(fault)}");
        }
        if (
            !fault.TryGetProperty("fault", out var named)
            || named.ValueKind != JsonValueKind.String
            || FaultWord.Find(named.GetString()) is not { } word
        )
        {
            throw new FormatException(
                $"{at}.fault must be one of {string.Join(", ", FaultWord.All)}{(named.ValueKind == JsonValueKind.Undefined ? "" : $", not {Short(named)}")}"
            );
        }
        string[] known = [.. Common, .. word.Options.Select(option => option.Field)];
        if (fault.EnumerateObject().Select(property => property.Name).FirstOrDefault(name => !known.Contains(name)) is { } stray)
        {
            throw new FormatException($"{at}: {word} has no field '{stray}'; it takes {string.Join(", ", known)}");
        }
        if (word.Options.FirstOrDefault(option => option.IsRequired && !fault.TryGetProperty(option.Field, out _)) is { } missing)
        {
            throw new FormatException($"{at}: {word} needs {missing.Field}");
        }
        return new Fault(
            word,
            (int?)Number(fault, "times", 1, 1_000_000, at, whole: true) ?? word.TimesDefault,
            Number(fault, "p", 0, 1, at) ?? 1,
            Seconds(fault, "after", 0, SecondsMax, at) ?? TimeSpan.Zero,
            MatchOf(fault, at),
            (int?)Number(fault, "seed", int.MinValue, int.MaxValue, at, whole: true) ?? 0,
            Number(fault, "delayMs", 0, DelayMax, at) is { } delay ? TimeSpan.FromMilliseconds(delay) : null,
            Seconds(fault, "retryAfterSeconds", 0, 86_400, at),
            Seconds(fault, "skewSeconds", -86_400, 86_400, at),
            Seconds(fault, "stepSeconds", 0, SecondsMax, at),
            Text(fault, "nic", at)
        );
    }

    private static FaultMatch? MatchOf(JsonElement fault, string at)
    {
        if (!fault.TryGetProperty("match", out var match))
        {
            return null;
        }
        if (match.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{at}.match must be an object, not {Short(match)}");
        }
        if (
            match.EnumerateObject().Select(property => property.Name).FirstOrDefault(name => name is not ("user" or "src" or "phone")) is
            { } stray
        )
        {
            throw new FormatException($"{at}.match has no field '{stray}'; it takes user, src, phone");
        }
        var source = Text(match, "src", at + ".match");
        IPNetwork? network =
            source is null ? null
            : IPNetwork.TryParse(source, out var parsed) ? parsed
            : IPAddress.TryParse(source, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : throw new FormatException($"{at}.match.src must be an address or a network, not '{source}'");
        return new FaultMatch(Text(match, "user", at + ".match"), network, Text(match, "phone", at + ".match"));
    }

    private static string? Text(JsonElement parent, string name, string at) =>
        !parent.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 128 } text ? text
        : throw new FormatException($"{at}.{name} must be a text, not {Short(value)}");

    private static TimeSpan? Seconds(JsonElement parent, string name, double min, double max, string at) =>
        Number(parent, name, min, max, at) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static double? Number(JsonElement parent, string name, double min, double max, string at, bool whole = false)
    {
        if (!parent.TryGetProperty(name, out var value))
        {
            return null;
        }
        return
            value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var number)
            && number >= min
            && number <= max
            && (!whole || number == Math.Floor(number))
            ? number
            : throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{at}.{name} must be a {(whole ? "whole " : "")}number from {min} to {max}, not {Short(value)}"
                )
            );
    }

    private static string Short(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}
