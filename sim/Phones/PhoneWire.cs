using System.Globalization;
using Appliance.Firmware.Ftm;

namespace Appliance.Sim.Phones;

/// <summary>A message that a phone got or sent.</summary>
/// <param name="Id">Rises by one.</param>
/// <param name="Time">When, by the lab's clock.</param>
/// <param name="Kind"><c>push</c>, or <c>callback</c>.</param>
/// <param name="Token">The token's serial number.</param>
/// <param name="Expires">Of the push: with the token it tells which login it belongs to.</param>
/// <param name="Text">Like an .http file. Session ids, codes and signatures are stars.</param>
public sealed record PhoneMessage(long Id, DateTimeOffset Time, string Kind, string Token, DateTimeOffset Expires, string Text);

/// <summary>The newest messages between phones and the rest of the world, for whoever looks on. Bounded, and free of secrets. Thread-safe.</summary>
public sealed class PhoneWire(TimeProvider time)
{
    internal const int MessagesMax = 60;
    private const string Masked = "********";

    private readonly Lock _lock = new();
    private readonly Queue<PhoneMessage> _messages = [];
    private long _last;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PhoneMessage> Messages
    {
        get
        {
            lock (_lock)
            {
                return [.. _messages];
            }
        }
    }

    /// <summary>A push has come to a phone.</summary>
    internal void Got(PushMessage push) => Add("push", push, string.Create(CultureInfo.InvariantCulture,
        $$"""
        PUSH to {{push.TokenSerial}}
        session: {{Masked}}
        callback: https://{{push.CallbackHost}}:{{push.CallbackPort}}
        user: {{Printable(push.User)}}
        client: {{push.ClientAddress}}
        time: {{push.Time:O}}
        expires: {{push.Expires:O}}
        number-match: {{(push.NumberMatch ? "yes" : "no")}}

        """));

    /// <summary>A phone called back, and what came of it.</summary>
    internal void Called(PushMessage push, string path, bool approve, bool number, int? status, string detail) => Add("callback", push, string.Create(CultureInfo.InvariantCulture,
        $$"""
        POST https://{{push.CallbackHost}}:{{push.CallbackPort}}{{path}} HTTP/1.1
        Content-Type: application/json

        {"session_id":"{{Masked}}","action":"{{(approve ? "validate" : "alert")}}",{{(approve ? $"\"token_code\":\"{Masked}\"{(number ? $",\"number\":\"{Masked}\"" : "")}" : $"\"message\":\"denied on the phone\",\"hmac\":\"{Masked}\"")}}}

        {{(status is { } answered ? $"HTTP/1.1 {answered}" : "(no answer)")}}
        # {{Printable(detail)}}

        """));

    private static string Printable(string text) => string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));

    private void Add(string kind, PushMessage push, string text)
    {
        lock (_lock)
        {
            _messages.Enqueue(new PhoneMessage(++_last, time.GetUtcNow(), kind, push.TokenSerial, push.Expires, text));
            if (_messages.Count > MessagesMax)
            {
                _messages.Dequeue();
            }
        }
    }
}
