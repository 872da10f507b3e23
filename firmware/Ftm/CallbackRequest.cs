using System.Text;
using System.Text.Json;

namespace Appliance.Firmware.Ftm;

/// <summary>A phone's answer, as a view of the request body; valid only as long as the body is.</summary>
internal readonly ref struct CallbackRequest
{
    private const int MessageMax = 256;
    private const int CodeMax = 16;
    private const int NumberMax = 4;

    /// <summary>The action of the answer.</summary>
    internal PhoneAction Action { get; private init; }

    /// <summary>The push that it answers; null if the id is not in this unit's format, and so matches no push.</summary>
    internal PushSessionId? Session { get; private init; }

    /// <summary>With <see cref="PhoneAction.Validate"/>: the code of the phone's token, UTF-8.</summary>
    internal ReadOnlySpan<byte> Code { get; private init; }

    /// <summary>With <see cref="PhoneAction.Validate"/>: the number entered on the phone, UTF-8; empty if none was.</summary>
    internal ReadOnlySpan<byte> Number { get; private init; }

    /// <summary>With <see cref="PhoneAction.Alert"/>: the phone's message, UTF-8.</summary>
    internal ReadOnlySpan<byte> Message { get; private init; }

    /// <summary>With <see cref="PhoneAction.Alert"/>: the signature, as 64 hex digits.</summary>
    internal ReadOnlySpan<byte> Hmac { get; private init; }

    /// <summary>
    /// Parses an answer. The action is <see cref="PhoneAction.None"/> unless the body is one JSON object with each field once and in the
    /// right form.
    /// </summary>
    internal static CallbackRequest Parse(ReadOnlySpan<byte> body)
    {
        var values = new Values();
        if (
            !TryRead(body, ref values)
            || Length(values.Session) != PushSessionId.Digits
            || Length(values.Message) > MessageMax
            || Length(values.Code) > CodeMax
            || Length(values.Number) > NumberMax
            || (values.Seen.HasFlag(Fields.Hmac) && !IsDigest(values.Hmac))
        )
        {
            return default;
        }
        var answer = new CallbackRequest
        {
            Session = PushSessionId.Parse(values.Session),
            Code = values.Code,
            Number = values.Number,
            Message = values.Message,
            Hmac = values.Hmac,
        };
        return values.Action switch
        {
            var action when action.SequenceEqual("validate"u8) && values.Seen.HasFlag(Fields.Code) => answer with
            {
                Action = PhoneAction.Validate,
            },
            var action
                when action.SequenceEqual("alert"u8)
                    && values.Seen.HasFlag(Fields.Message | Fields.Hmac)
                    && !values.Seen.HasFlag(Fields.Number) => answer with
                    {
                        Action = PhoneAction.Alert,
                    },
            _ => default,
        };
    }

    /// <summary>Reads the fields. Returns false unless the body is one JSON object of known fields, each at most once.</summary>
    private static bool TryRead(ReadOnlySpan<byte> body, ref Values values)
    {
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 2 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var field = FieldOf(ref reader);
                if (field == Fields.None || values.Seen.HasFlag(field) || !reader.Read() || reader.TokenType != JsonTokenType.String)
                {
                    return false;
                }
                values.Set(field, Value(ref reader));
            }
            return reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not UTF-8, or half a surrogate pair.
            return false;
        }
    }

    private static Fields FieldOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("session_id"u8) ? Fields.Session
        : reader.ValueTextEquals("action"u8) ? Fields.Action
        : reader.ValueTextEquals("token_code"u8) ? Fields.Code
        : reader.ValueTextEquals("message"u8) ? Fields.Message
        : reader.ValueTextEquals("hmac"u8) ? Fields.Hmac
        : reader.ValueTextEquals("number"u8) ? Fields.Number
        : Fields.None;

    /// <summary>The value in place. It is copied only if it is escaped, or if it is not all ASCII and so has to be validated.</summary>
    private static ReadOnlySpan<byte> Value(scoped ref Utf8JsonReader reader) =>
        !reader.ValueIsEscaped && Ascii.IsValid(reader.ValueSpan) ? reader.ValueSpan : Encoding.UTF8.GetBytes(reader.GetString()!);

    /// <summary>The length in characters, the unit of the limits.</summary>
    private static int Length(ReadOnlySpan<byte> utf8) => Ascii.IsValid(utf8) ? utf8.Length : Encoding.UTF8.GetCharCount(utf8);

    private static bool IsDigest(ReadOnlySpan<byte> hmac)
    {
        Span<byte> bytes = stackalloc byte[32];
        return hmac.Length == 64 && Convert.FromHexString(hmac, bytes, out _, out _) == System.Buffers.OperationStatus.Done;
    }

    [Flags]
    private enum Fields
    {
        None = 0,
        Session = 1,
        Action = 2,
        Code = 4,
        Message = 8,
        Hmac = 16,
        Number = 32,
    }

    /// <summary>The fields as they were read.</summary>
    private ref struct Values
    {
        internal Fields Seen { get; private set; }

        internal ReadOnlySpan<byte> Session { get; private set; }

        internal ReadOnlySpan<byte> Action { get; private set; }

        internal ReadOnlySpan<byte> Code { get; private set; }

        internal ReadOnlySpan<byte> Message { get; private set; }

        internal ReadOnlySpan<byte> Hmac { get; private set; }

        internal ReadOnlySpan<byte> Number { get; private set; }

        internal void Set(Fields field, ReadOnlySpan<byte> value)
        {
            Seen |= field;
            switch (field)
            {
                case Fields.Session:
                    Session = value;
                    break;
                case Fields.Action:
                    Action = value;
                    break;
                case Fields.Code:
                    Code = value;
                    break;
                case Fields.Message:
                    Message = value;
                    break;
                case Fields.Hmac:
                    Hmac = value;
                    break;
                default:
                    Number = value;
                    break;
            }
        }
    }
}

/// <summary>The action that a phone requests.</summary>
internal enum PhoneAction
{
    /// <summary>The body is not a valid answer.</summary>
    None,

    /// <summary>Approve the login.</summary>
    Validate,

    /// <summary>Deny the login.</summary>
    Alert,
}
