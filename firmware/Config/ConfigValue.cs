using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Appliance.Firmware.Config;

/// <summary>Checks what is typed for an attribute; the messages and codes are the device's.</summary>
internal static class ConfigValue
{
    /// <summary>Characters that the device calls XSS vulnerable in names and texts.</summary>
    private static readonly SearchValues<char> Dangerous = SearchValues.Create("<>()#'\"");

    /// <summary>The words as they are kept, or why they are refused.</summary>
    /// <param name="schema">The attribute.</param>
    /// <param name="words">What was typed.</param>
    /// <param name="allows">Whether a value that refers to other tables may stand; null does not ask.</param>
    /// <param name="unseal">Opens an ENC value; null when it was not made here.</param>
    internal static (ImmutableArray<string> Words, ConfigError? Error) Check(
        AttributeSchema schema, IReadOnlyList<string> words, Func<AttributeSchema, string, bool>? allows, Func<string, string?> unseal)
    {
        if (words.Count == 0)
        {
            return ([], new ConfigError(-160, "incomplete command in the end"));
        }
        if (schema.Secret && words is ["ENC", var sealedText])
        {
            return unseal(sealedText) is { } clear ? ([clear], null) : ([], Refuse(-14, "ENC", "the value was not encrypted by this unit"));
        }
        if (schema.Kind == ValueKind.Ipv4Mask)
        {
            return Ipv4Mask(words);
        }
        if (schema.Joins)
        {
            words = [string.Join(' ', words)];
        }
        if (words.Count > 1 && !schema.Multi)
        {
            return ([], new ConfigError(-61, $"command parse error before '{(schema.Secret ? "***" : Clean(words[1]))}'"));
        }
        foreach (var word in words)
        {
            if (CheckWord(schema, word, allows) is { } error)
            {
                return ([], error);
            }
        }
        return (Keep(schema, words), null);
    }

    /// <summary>An error before a value. The word is shown without control characters.</summary>
    internal static ConfigError Refuse(int code, string word, string why) => new(code, why, "", $"value parse error before '{Clean(word)}'");

    /// <summary>True for a name that the device refuses.</summary>
    internal static bool HasDangerous(string word) => word.AsSpan().IndexOfAny(Dangerous) >= 0;

    private static string Clean(string word) => string.Concat(word.Where(c => !char.IsControl(c)).Take(64));

    private static ImmutableArray<string> Keep(AttributeSchema schema, IReadOnlyList<string> words) => schema switch
    {
        // Choices are shown in the schema's order, whatever the order of typing.
        { Multi: true, Kind: ValueKind.Option } => [.. schema.Options.Where(words.Contains)],
        { Multi: true } => [.. words.Distinct(StringComparer.Ordinal)],
        { Kind: ValueKind.Number } => [long.Parse(words[0], CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)],
        { Kind: ValueKind.Mac } => [words[0].ToLowerInvariant()],
        { Kind: ValueKind.Ipv4 } => [IPAddress.Parse(words[0]).ToString()],
        _ => words[0].Length == 0 ? [] : [words[0]],
    };

    private static ConfigError? CheckWord(AttributeSchema schema, string word, Func<AttributeSchema, string, bool>? allows) => schema.Kind switch
    {
        ValueKind.Number when !word.All(char.IsAsciiDigit) || word.Length is 0 or > 18 => Refuse(-651, word, $"invalid unsigned integer value: {Clean(word)}"),
        ValueKind.Number when long.Parse(word, CultureInfo.InvariantCulture) is var number && (number < schema.Min || number > schema.Max) => Refuse(-650, word, $"node_check_object fail! for {schema.Name} {Clean(word)}"),
        ValueKind.Number => null,
        ValueKind.Option when !schema.Options.Contains(word) => Refuse(-651, word, $"node_check_object fail! for {schema.Name} {Clean(word)}"),
        ValueKind.Option => null,
        ValueKind.Ipv4 => IsIpv4(word) ? null : Refuse(-8, word, "invalid ip address"),
        ValueKind.Ipv6 => IsIpv6(word) ? null : Refuse(-8, word, "invalid ip address"),
        ValueKind.Ipv6Prefix => word.Split('/') is [var address, var bits] && IsIpv6(address) && int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length <= 128 ? null : Refuse(-8, word, "invalid ip address"),
        ValueKind.Mac => word.Split(':') is { Length: 6 } bytes && bytes.All(part => part.Length == 2 && part.All(char.IsAsciiHexDigit)) ? null : Refuse(-651, word, $"node_check_object fail! for {schema.Name} {Clean(word)}"),
        _ => CheckText(schema, word, allows),
    };

    private static ConfigError? CheckText(AttributeSchema schema, string word, Func<AttributeSchema, string, bool>? allows)
    {
        var shown = schema.Secret ? "***" : word;
        if (schema.MaxLength > 0 && word.Length > schema.MaxLength)
        {
            return Refuse(-1, shown, $"string value is too long. the size is {word.Length}, the limit is {schema.MaxLength}");
        }
        if (word.Any(c => char.IsControl(c) && c != '\n'))
        {
            return Refuse(-173, shown, "The string contains control characters");
        }
        if (schema.References.Length > 0 && HasDangerous(word))
        {
            return Refuse(-173, shown, "The string contains XSS vulnerability characters");
        }
        if (schema.Name == "hostname" && !word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            return Refuse(-651, shown, $"node_check_object fail! for {schema.Name} {Clean(word)}");
        }
        return word.Length > 0 && allows?.Invoke(schema, word) == false
            ? Refuse(-3, shown, "entry not found in datasource")
            : null;
    }

    private static (ImmutableArray<string>, ConfigError?) Ipv4Mask(IReadOnlyList<string> words)
    {
        var (address, mask) = words switch
        {
            [var one] when one.Split('/') is [var left, var right] => (left, MaskOf(right)),
            [var left, var right] => (left, right),
            _ => (words[0], null),
        };
        if (!IsIpv4(address))
        {
            return ([], Refuse(-8, address, "invalid ip address"));
        }
        if (mask is null)
        {
            return ([], new ConfigError(-160, "incomplete command in the end"));
        }
        if (!IsIpv4(mask) || !IsMask(IPAddress.Parse(mask)))
        {
            return ([], Refuse(-9, mask, "invalid netmask."));
        }
        return ([IPAddress.Parse(address).ToString(), IPAddress.Parse(mask).ToString()], null);
    }

    private static string MaskOf(string bits) =>
        int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length <= 32
            ? new IPAddress([.. BitConverter.GetBytes(length == 0 ? 0u : uint.MaxValue << (32 - length)).Reverse()]).ToString()
            : bits;

    /// <summary>Four decimal numbers: what IPAddress.Parse takes beyond that is no address to the device.</summary>
    private static bool IsIpv4(string text) => text.Split('.') is { Length: 4 } parts && parts.All(part => part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0'))
        && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork;

    /// <summary>Without a zone: that belongs to a link, not to a configuration.</summary>
    private static bool IsIpv6(string text) => text.Contains(':', StringComparison.Ordinal) && !text.Contains('%', StringComparison.Ordinal) && !text.Contains('[', StringComparison.Ordinal)
        && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsMask(IPAddress mask)
    {
        var bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(mask.GetAddressBytes());
        return (~bits & (~bits + 1)) == 0;
    }
}
