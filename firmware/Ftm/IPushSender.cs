using System.Net;

namespace Appliance.Firmware.Ftm;

/// <summary>What a phone is told about a login that waits for it. Carries no secret but the session id, which only the phone gets.</summary>
/// <param name="Recipient">The registration id of the phone (<c>reg-id</c> of the token).</param>
/// <param name="TokenSerial">Which token of the phone is asked.</param>
/// <param name="SessionId">32 hex digits: 128 random bits, unknown to everybody else.</param>
/// <param name="CallbackHost">The address that the phone calls back to (<c>server-ip</c>).</param>
/// <param name="CallbackPort">The port there (<c>server-port</c>).</param>
/// <param name="User">Who logs in.</param>
/// <param name="ClientAddress">From where.</param>
/// <param name="Time">When the login began.</param>
/// <param name="Expires">When the answer comes too late.</param>
/// <param name="NumberMatch">True when the phone has to ask for the number that the login shows.</param>
public sealed record PushMessage(
    string Recipient, string TokenSerial, string SessionId, string CallbackHost, int CallbackPort,
    string User, IPAddress ClientAddress, DateTimeOffset Time, DateTimeOffset Expires, bool NumberMatch = false);

/// <summary>The way to the phones: a push proxy, or the simulator's push cloud.</summary>
public interface IPushSender
{
    /// <summary>The server that messages are handed to, for the debug stream; a word in the place of an address where there is none.</summary>
    (string Address, int Port) Server => ("in-process", 0);

    /// <summary>Hands the message over. Null when it was taken; else the reason, for the event. Never throws for a provider's failure.</summary>
    ValueTask<string?> SendAsync(PushMessage message, CancellationToken cancellationToken);
}
