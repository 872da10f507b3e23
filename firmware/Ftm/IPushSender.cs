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
/// <param name="OsVersion">What the phone said of itself at its registration (<c>os-ver</c>); "" when it said nothing.</param>
public sealed record PushMessage(
    string Recipient, string TokenSerial, string SessionId, string CallbackHost, int CallbackPort,
    string User, IPAddress ClientAddress, DateTimeOffset Time, DateTimeOffset Expires, string OsVersion = "", bool NumberMatch = false);

/// <summary>What became of a push on its way.</summary>
public enum PushOutcome
{
    /// <summary>Taken by the provider; whether the phone is on is not known.</summary>
    Sent,
    /// <summary>No way to the provider, or it could not serve: another push may get through.</summary>
    Unavailable,
    /// <summary>The provider, or the proxy, refused this message.</summary>
    Refused,
    /// <summary>The phone is not registered any more: no push will ever reach it under this registration.</summary>
    RegistrationGone,
    /// <summary>What the proxy shows the provider has expired or is not accepted: no push gets through until somebody renews it.</summary>
    CredentialBad,
}

/// <summary>What came of handing a push over.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Cause">Why not, in a few words for the event; "" when it was sent.</param>
/// <param name="GoneSince">With <see cref="PushOutcome.RegistrationGone"/>: since when, if the provider said so.</param>
/// <param name="CredentialExpires">When what the proxy shows the provider expires, if the proxy said so.</param>
public sealed record PushResult(PushOutcome Outcome, string Cause = "", DateTimeOffset? GoneSince = null, DateTimeOffset? CredentialExpires = null)
{
    /// <summary>Taken.</summary>
    public static PushResult Sent { get; } = new(PushOutcome.Sent);

    /// <summary>Not taken.</summary>
    public static PushResult Failed(PushOutcome outcome, string cause) => new(outcome, cause);
}

/// <summary>The way to the phones: a push proxy, or the simulator's push cloud.</summary>
public interface IPushSender
{
    /// <summary>The server that messages are handed to, for the debug stream; a word in the place of an address where there is none.</summary>
    (string Address, int Port) Server => ("in-process", 0);

    /// <summary>Hands the message over, at most once. Never throws for a proxy's or a provider's failure.</summary>
    ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken);
}

/// <summary>No push proxy is known to the unit: every push fails with that reason, and codes can be typed.</summary>
public sealed class NoPushProxy : IPushSender
{
    /// <inheritdoc/>
    public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
        ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no push proxy is configured"));
}
