using System.Text;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// A form body (<c>application/x-www-form-urlencoded</c>), read strictly: each name once, percent-encoding whole, text that is
/// UTF-8 and holds no control character. What is not so is refused with the name of the field.
/// </summary>
internal sealed class FormBody
{
    /// <summary>The greatest length of one value in characters.</summary>
    internal const int ValueMax = 512;
    private const int FieldsMax = 32;
    private const int NameMax = 64;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);

    /// <summary>The value of a field; "" when it is not there.</summary>
    internal string this[string name] => _fields.GetValueOrDefault(name, "");

    /// <summary>True when the field is there, empty or not.</summary>
    internal bool Has(string name) => _fields.ContainsKey(name);

    /// <summary>Reads a body. Null when it is not well formed; then <paramref name="fault"/> says what is wrong, without any value.</summary>
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
            if (Decode(pair[..equals]) is not { Length: <= NameMax } name || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            {
                fault = "a field name that is not letters, digits, '_' and '-'";
                return null;
            }
            if (Decode(pair[(equals + 1)..]) is not { } value)
            {
                fault = $"field '{name}' is not percent-encoded UTF-8 text";
                return null;
            }
            if (value.Length > ValueMax)
            {
                fault = $"field '{name}' is longer than {ValueMax} characters";
                return null;
            }
            if (value.Any(char.IsControl))
            {
                fault = $"field '{name}' holds a control character";
                return null;
            }
            if (!form._fields.TryAdd(name, value))
            {
                fault = $"field '{name}' is given twice";
                return null;
            }
            if (form._fields.Count > FieldsMax)
            {
                fault = $"more than {FieldsMax} fields";
                return null;
            }
        }
        return form;
    }

    /// <summary>The text, or null when the encoding is broken.</summary>
    private static string? Decode(ReadOnlySpan<byte> encoded)
    {
        Span<byte> bytes = encoded.Length <= 1024 ? stackalloc byte[encoded.Length] : new byte[encoded.Length];
        var length = 0;
        for (var at = 0; at < encoded.Length; at++)
        {
            if (encoded[at] == '%')
            {
                if (at + 2 >= encoded.Length || !char.IsAsciiHexDigit((char)encoded[at + 1]) || !char.IsAsciiHexDigit((char)encoded[at + 2]))
                {
                    return null;
                }
                bytes[length++] = (byte)((Convert.ToInt32(((char)encoded[at + 1]).ToString(), 16) << 4) | Convert.ToInt32(((char)encoded[at + 2]).ToString(), 16));
                at += 2;
            }
            else
            {
                bytes[length++] = encoded[at] == '+' ? (byte)' ' : encoded[at];
            }
        }
        try
        {
            return Utf8.GetString(bytes[..length]);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
