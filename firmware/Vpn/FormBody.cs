using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// A form body (<c>application/x-www-form-urlencoded</c>), parsed strictly: each name once, complete percent-encoding, no control
/// characters. A form that violates this is refused with the name of the field. A form with a value that is not UTF-8 is parsed, and <see
/// cref="IsText"/> is false.
/// </summary>
internal sealed class FormBody
{
    /// <summary>Maximum length of one value in characters.</summary>
    internal const int ValueMax = 512;
    private const int FieldsMax = 32;
    private const int NameMax = 64;

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    );
    private static readonly SearchValues<char> ControlCharacters = SearchValues.Create([
        .. Enumerable.Range(0, 0xa0).Select(code => (char)code).Where(char.IsControl),
    ]);

    /// <summary>The fields. They are few, so a linear search is faster than any table.</summary>
    private readonly List<(string Name, string Value)> _fields = new(capacity: 8);

    /// <summary>
    /// False if a value is not UTF-8. Its invalid bytes are replaced by U+FFFD, and it must not be compared with anything.
    /// </summary>
    internal bool IsText { get; private set; } = true;

    /// <summary>The value of a field; "" if it is absent.</summary>
    internal string this[string name] => Find(name) ?? "";

    /// <summary>Returns true when the field is present, empty or not.</summary>
    internal bool Has(string name) => Find(name) is not null;

    /// <summary>Parses a body. Null if it is malformed; then <paramref name="fault"/> describes the error, without any value.</summary>
    internal static FormBody? Parse(ReadOnlySpan<byte> body, out string fault)
    {
        var form = new FormBody();
        fault = "";
        if (body.IsEmpty)
        {
            return form;
        }
        foreach (var range in body.Split((byte)'&'))
        {
            var pair = body[range];
            if (pair.IsEmpty)
            {
                continue; // OpenConnect ends some of its bodies with "&".
            }
            var equals = pair.IndexOf((byte)'=');
            if (equals <= 0)
            {
                fault = "a field without a name or without '='";
                return null;
            }
            if (Decode(pair[..equals], out _) is not { Length: <= NameMax } name || name.AsSpan().ContainsAnyExcept(NameCharacters))
            {
                fault = "a field name that is not letters, digits, '_' and '-'";
                return null;
            }
            if (Decode(pair[(equals + 1)..], out var isText) is not { } value)
            {
                fault = $"field '{name}' is not percent-encoded";
                return null;
            }
            if (value.Length > ValueMax)
            {
                fault = $"field '{name}' is longer than {ValueMax} characters";
                return null;
            }
            if (value.AsSpan().ContainsAny(ControlCharacters))
            {
                fault = $"field '{name}' contains a control character";
                return null;
            }
            if (form.Has(name))
            {
                fault = $"field '{name}' is given twice";
                return null;
            }
            form._fields.Add((name, value));
            form.IsText &= isText;
            if (form._fields.Count > FieldsMax)
            {
                fault = $"more than {FieldsMax} fields";
                return null;
            }
        }
        return form;
    }

    private string? Find(string name)
    {
        foreach (var (each, value) in _fields)
        {
            if (each == name)
            {
                return value;
            }
        }
        return null;
    }

    /// <summary>
    /// Decodes a name or value, with U+FFFD in place of bytes that are not UTF-8. Null if the percent-encoding is broken.
    /// </summary>
    private static string? Decode(ReadOnlySpan<byte> encoded, out bool isText)
    {
        if (!encoded.ContainsAny((byte)'%', (byte)'+'))
        {
            isText = Utf8.IsValid(encoded);
            return Encoding.UTF8.GetString(encoded);
        }
        isText = false;
        Span<byte> bytes = encoded.Length <= 1024 ? stackalloc byte[encoded.Length] : new byte[encoded.Length];
        var length = 0;
        for (var at = 0; at < encoded.Length; at++)
        {
            bytes[length] = encoded[at] == '+' ? (byte)' ' : encoded[at];
            if (encoded[at] == '%')
            {
                if (
                    at + 2 >= encoded.Length
                    || !Utf8Parser.TryParse(encoded.Slice(at + 1, 2), out bytes[length], out var digits, 'x')
                    || digits != 2
                )
                {
                    return null;
                }
                at += digits;
            }
            length++;
        }
        isText = Utf8.IsValid(bytes[..length]);
        return Encoding.UTF8.GetString(bytes[..length]);
    }
}
