using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Config;

/// <summary>The validation of attribute values; messages and codes are the device's.</summary>
internal static class ConfigValue
{
    /// <summary>Characters that the device rejects in names and texts as XSS vulnerable.</summary>
    private static readonly SearchValues<char> Dangerous = SearchValues.Create("<>()#'\"");

    /// <summary>Returns the words in their stored form, or the error.</summary>
    /// <param name="schema">The attribute.</param>
    /// <param name="words">The words as typed.</param>
    /// <param name="allows">Returns true if a value that refers to other tables is valid; null to skip this check.</param>
    /// <param name="unseal">Decrypts an ENC value; null if this unit did not create it.</param>
    internal static (ImmutableArray<string> Words, ConfigError? Error) Check(
        AttributeSchema schema,
        IReadOnlyList<string> words,
        Func<AttributeSchema, string, bool>? allows,
        Func<string, string?> unseal
    )
    {
        if (words.Count == 0)
        {
            return ([], ConfigError.Incomplete);
        }
        if (IsDefault(schema, words))
        {
            return (schema.Default, null); // Valid whatever the range is: 0 often means "chosen by the unit".
        }
        if (schema.Secret && words is ["ENC", var sealedText])
        {
            return unseal(sealedText) is { } clear ? ([clear], null) : ([], Refuse(-14, "ENC", "the value was not encrypted by this unit"));
        }
        if (words is [""] && schema.Default.IsEmpty && HasEmptyWord(schema.Kind))
        {
            return ([], null);
        }
        if (schema.Kind is ValueKind.Ipv4Mask or ValueKind.Ipv4Wildcard)
        {
            return Ipv4Mask(words, anyMask: schema.Kind == ValueKind.Ipv4Wildcard);
        }
        if (schema.Kind == ValueKind.DateTime)
        {
            return DayAndTime(schema, words);
        }
        if (schema.Joins)
        {
            words = [string.Join(' ', words)];
        }
        if (words.Count > 1 && !schema.Multi)
        {
            return ([], new ConfigError(-61, $"command parse error before '{(schema.Secret ? "***" : Clean(words[1]))}'"));
        }
        if (schema.Shape == MultiShape.Pairs)
        {
            return Pairs(schema, words, allows);
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

    /// <summary>
    /// Removes words from a multi-value (of pairs: the pairs with these names); returns an error if one of them is not in it.
    /// </summary>
    internal static (ImmutableArray<string> Words, ConfigError? Error) Remove(
        AttributeSchema schema,
        ImmutableArray<string> held,
        IReadOnlyList<string> words
    )
    {
        var step = schema.Shape == MultiShape.Pairs ? 2 : 1;
        var items = held.Chunk(step).ToArray();
        foreach (var word in words)
        {
            if (!items.Any(item => item[0] == word))
            {
                return (held, Refuse(-3, word, "entry not found in datasource"));
            }
        }
        return ([.. items.Where(item => !words.Contains(item[0])).SelectMany(item => item)], null);
    }

    /// <summary>Parses names, each followed by its number; a repeated name keeps its first position and its last number.</summary>
    private static (ImmutableArray<string>, ConfigError?) Pairs(
        AttributeSchema schema,
        IReadOnlyList<string> words,
        Func<AttributeSchema, string, bool>? allows
    )
    {
        if (words.Count % 2 != 0)
        {
            return ([], ConfigError.Incomplete);
        }
        var numbers = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new List<string>();
        foreach (var pair in words.Chunk(2))
        {
            var (name, number) = (pair[0], pair[1]);
            if (CheckText(schema, name, allows) is { } error)
            {
                return ([], error);
            }
            if (number.Length is 0 or > 9 || !number.All(char.IsAsciiDigit))
            {
                return ([], Refuse(-651, number, $"invalid unsigned integer value: {Clean(number)}"));
            }
            if (int.Parse(number, CultureInfo.InvariantCulture) > schema.Max)
            {
                return ([], Refuse(-650, number, $"node_check_object fail! for {schema.Name} {Clean(number)}"));
            }
            if (!numbers.ContainsKey(name))
            {
                names.Add(name);
            }
            numbers[name] = Canonical(ValueKind.Number, number);
        }
        return ([.. names.SelectMany(name => new[] { name, numbers[name] })], null);
    }

    /// <summary>Returns an error about a value; the word is shown without control characters.</summary>
    internal static ConfigError Refuse(int code, string word, string why) =>
        new(code, why, "", $"value parse error before '{Clean(word)}'");

    /// <summary>True for a name with a character that the device rejects.</summary>
    internal static bool HasDangerous(string word) => word.AsSpan().IndexOfAny(Dangerous) >= 0;

    /// <summary>
    /// True for a kind whose empty value can be written, as two quotes. There is no word for an empty number, choice or address.
    /// </summary>
    internal static bool HasEmptyWord(ValueKind kind) =>
        kind is ValueKind.Text or ValueKind.DateTime or ValueKind.Time or ValueKind.HexByte or ValueKind.Dscp or ValueKind.PortRange;

    private static bool IsDefault(AttributeSchema schema, IReadOnlyList<string> words)
    {
        if (words.Count != schema.Default.Length)
        {
            return false;
        }
        for (var at = 0; at < words.Count; at++)
        {
            if (words[at] != schema.Default[at])
            {
                return false;
            }
        }
        return true;
    }

    private static string Clean(string word) => string.Concat(word.Where(c => !ControlCharacters.Includes(c)).Take(64));

    private static ImmutableArray<string> Keep(AttributeSchema schema, IReadOnlyList<string> words) =>
        schema switch
        {
            // Choices are shown in the schema's order, independent of the typed order.
            { Multi: true, Kind: ValueKind.Option } => [.. schema.Options.Where(words.Contains)],
            { Shape: MultiShape.Set } => [.. words.Select(word => Canonical(schema.Kind, word)).Distinct(StringComparer.Ordinal)],
            { Multi: true } => [.. words.Select(word => Canonical(schema.Kind, word))],
            { Kind: ValueKind.Option } => [schema.Options[schema.Options.IndexOf(words[0])]],
            _ => words[0].Length == 0 ? [] : [Canonical(schema.Kind, words[0])],
        };

    /// <summary>Returns a checked word in its stored form, in which equal values have equal text.</summary>
    private static string Canonical(ValueKind kind, string word) =>
        kind switch
        {
            ValueKind.Number when word[0] == '0' => long.Parse(word, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
            ValueKind.Ipv6 => IPAddress.Parse(word).ToString(),
            ValueKind.Ipv6Prefix => word.Split('/') is [var address, var length]
                ? $"{IPAddress.Parse(address)}/{int.Parse(length, CultureInfo.InvariantCulture)}"
                : $"{IPAddress.Parse(word)}/128",
            ValueKind.Mac or ValueKind.Uuid or ValueKind.HexByte => word.ToLowerInvariant(),
            _ => word,
        };

    private static ConfigError? CheckWord(AttributeSchema schema, string word, Func<AttributeSchema, string, bool>? allows) =>
        schema.Kind switch
        {
            ValueKind.Number when word.Length is 0 or > 18 || word.AsSpan().ContainsAnyExceptInRange('0', '9') => Refuse(
                -651,
                word,
                $"invalid unsigned integer value: {Clean(word)}"
            ),
            ValueKind.Number
                when long.Parse(word, CultureInfo.InvariantCulture) is var number && (number < schema.Min || number > schema.Max) => Refuse(
                -650,
                word,
                $"node_check_object fail! for {schema.Name} {Clean(word)}"
            ),
            ValueKind.Number => word.Length > 0 && allows?.Invoke(schema, word) == false
                ? Refuse(-3, word, "entry not found in datasource")
                : null,
            ValueKind.Option when !schema.Options.Contains(word) => NodeCheck(schema, word),
            ValueKind.Option => null,
            ValueKind.Ipv4 => IsIpv4(word) ? null : Refuse(-8, word, "invalid ip address"),
            ValueKind.Netmask => IsIpv4(word) && IsMask(IPAddress.Parse(word)) ? null : Refuse(-9, word, "invalid netmask."),
            ValueKind.Ipv6 => IsIpv6(word) ? null : Refuse(-8, word, "invalid ip address"),
            ValueKind.Ipv6Prefix => IsIpv6Prefix(word) ? null : Refuse(-8, word, "invalid ip address"),
            ValueKind.Mac => word.Split(':') is { Length: 6 } octets
            && octets.All(octet => octet.Length == 2 && octet.All(char.IsAsciiHexDigit))
                ? null
                : NodeCheck(schema, word),
            ValueKind.Uuid => Guid.TryParseExact(word, "D", out _) ? null : NodeCheck(schema, word, "invalid uuid"),
            ValueKind.Time => IsTime(word, "HH:mm") ? null : NodeCheck(schema, word, "invalid time, hh:mm is expected"),
            ValueKind.HexByte => word is ['0', 'x' or 'X', var high, var low] && char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low)
                ? null
                : NodeCheck(schema, word, "invalid octet, 0x00 to 0xff is expected"),
            ValueKind.Dscp => word.Length == 6 && word.All(c => c is '0' or '1')
                ? null
                : NodeCheck(schema, word, "six binary digits are expected"),
            ValueKind.PortRange => IsPortRange(word) ? null : NodeCheck(schema, word, "invalid port range"),
            _ => CheckText(schema, word, allows),
        };

    private static ConfigError NodeCheck(AttributeSchema schema, string word, string? why = null) =>
        why is null
            ? Refuse(-651, word, $"node_check_object fail! for {schema.Name} {Clean(word)}")
            : new(-651, why, $"node_check_object fail! for {schema.Name} {Clean(word)}", "", $"value parse error before '{Clean(word)}'");

    private static (ImmutableArray<string>, ConfigError?) DayAndTime(AttributeSchema schema, IReadOnlyList<string> words)
    {
        // Two words, or both in quotes as in older files.
        IReadOnlyList<string> parts = words is [var one] ? one.Split(' ') : words;
        return
            parts is [var day, var time]
            && ((day == "0000-00-00" && time == "00:00:00") || (IsTime(day, "yyyy-MM-dd") && IsTime(time, "HH:mm:ss")))
            ? ([day, time], null)
            : ([], NodeCheck(schema, string.Join(' ', words), "invalid time, yyyy-mm-dd hh:mm:ss is expected"));
    }

    private static bool IsTime(string word, string format) =>
        DateTime.TryParseExact(word, format, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsPortRange(string word) =>
        word.Split('-') is { Length: 1 or 2 } ends
        && ends.All(end =>
            end.Length is > 0 and <= 5 && end.All(char.IsAsciiDigit) && int.Parse(end, CultureInfo.InvariantCulture) <= ushort.MaxValue
        )
        && int.Parse(ends[0], CultureInfo.InvariantCulture) <= int.Parse(ends[^1], CultureInfo.InvariantCulture);

    private static bool IsIpv6(string word) =>
        word.Contains(':', StringComparison.Ordinal)
        && !word.Contains('%', StringComparison.Ordinal)
        && word[0] != '['
        && IPAddress.TryParse(word, out var address)
        && address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsIpv6Prefix(string word) =>
        word.Split('/') switch
        {
            [var address] => IsIpv6(address),
            [var address, var length] => IsIpv6(address)
                && length.Length is > 0 and <= 3
                && length.All(char.IsAsciiDigit)
                && int.Parse(length, CultureInfo.InvariantCulture) <= 128,
            _ => false,
        };

    private static ConfigError? CheckText(AttributeSchema schema, string word, Func<AttributeSchema, string, bool>? allows)
    {
        var shown = schema.Secret ? "***" : word;
        if (schema.MaxLength > 0 && word.Length > schema.MaxLength)
        {
            return Refuse(-1, shown, $"string value is too long. the size is {word.Length}, the limit is {schema.MaxLength}");
        }
        if (HasControl(word, lines: true))
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
        return word.Length > 0 && allows?.Invoke(schema, word) == false ? Refuse(-3, shown, "entry not found in datasource") : null;
    }

    /// <summary>True for a text with a control character other than, if they are allowed, a tab or newline.</summary>
    internal static bool HasControl(string word, bool lines = false)
    {
        foreach (var c in word)
        {
            if (ControlCharacters.Includes(c) && !(lines && c is '\n' or '\t'))
            {
                return true;
            }
        }
        return false;
    }

    private static (ImmutableArray<string>, ConfigError?) Ipv4Mask(IReadOnlyList<string> words, bool anyMask)
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
            return ([], ConfigError.Incomplete);
        }
        if (!IsIpv4(mask) || !(anyMask || IsMask(IPAddress.Parse(mask))))
        {
            return ([], Refuse(-9, mask, "invalid netmask."));
        }
        return ([address, mask], null);
    }

    private static string MaskOf(string bits) =>
        int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length <= 32
            ? new IPAddress([.. BitConverter.GetBytes(length == 0 ? 0u : uint.MaxValue << (32 - length)).Reverse()]).ToString()
            : bits;

    /// <summary>
    /// True for four decimal numbers without leading zeros; the device rejects the other forms that IPAddress.Parse accepts.
    /// </summary>
    private static bool IsIpv4(string text)
    {
        var (numbers, value, digits) = (1, 0, 0);
        foreach (var c in text)
        {
            if (c == '.' && digits > 0)
            {
                (numbers, value, digits) = (numbers + 1, 0, 0);
            }
            else if (char.IsAsciiDigit(c) && (digits == 0 || value > 0))
            {
                (value, digits) = ((value * 10) + (c - '0'), digits + 1);
            }
            else
            {
                return false;
            }
            if (value > 255 || numbers > 4)
            {
                return false;
            }
        }
        return numbers == 4 && digits > 0;
    }

    private static bool IsMask(IPAddress mask)
    {
        var bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(mask.GetAddressBytes());
        return (~bits & (~bits + 1)) == 0;
    }
}
