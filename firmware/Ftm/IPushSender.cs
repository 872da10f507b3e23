using System.Net;

namespace Appliance.Firmware.Ftm;

/// <summary>
/// The notification sent to a phone about a pending login. The only secret in it is the session id, which only the phone receives.
/// </summary>
/// <param name="Recipient">The registration id of the phone (<c>reg-id</c> of the token).</param>
/// <param name="TokenSerial">The serial number of the phone's token that is to answer.</param>
/// <param name="SessionId">32 hex digits: 128 random bits that only the phone receives.</param>
/// <param name="CallbackHost">The address that the phone calls back to (<c>server-ip</c>).</param>
/// <param name="CallbackPort">The port of that address (<c>server-port</c>).</param>
/// <param name="User">The user that logs in.</param>
/// <param name="ClientAddress">The client's address.</param>
/// <param name="Time">The time at which the login began.</param>
/// <param name="Expires">The time after which an answer is refused.</param>
/// <param name="NumberMatch">True when the phone has to prompt for the number that the login displays.</param>
/// <param name="OsVersion">The operating system that the phone reported at its registration (<c>os-ver</c>); "" if it reported
/// none.</param>
public sealed record PushMessage(
    string Recipient,
    string TokenSerial,
    string SessionId,
    string CallbackHost,
    int CallbackPort,
    string User,
    IPAddress ClientAddress,
    DateTimeOffset Time,
    DateTimeOffset Expires,
    string OsVersion = "",
    bool NumberMatch = false
);

/// <summary>The outcome of sending a push.</summary>
public enum PushOutcome
{
    /// <summary>The provider accepted it. Whether the phone is reachable is unknown.</summary>
    Sent,

    /// <summary>The provider could not be reached or could not serve the request. Another push may succeed.</summary>
    Unavailable,

    /// <summary>The provider or the proxy refused this message.</summary>
    Refused,

    /// <summary>The phone is no longer registered. No push will ever reach it under this registration.</summary>
    RegistrationGone,

    /// <summary>
    /// The proxy's credential at the provider has expired or is not accepted. No push succeeds until an administrator renews it.
    /// </summary>
    CredentialBad,
}

/// <summary>The result of handing over a push.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Cause">The cause of a failure, in a few words for the event; "" if the push was sent.</param>
/// <param name="GoneSince">With <see cref="PushOutcome.RegistrationGone"/>: the time since which it is gone, if the provider reported
/// it.</param>
/// <param name="CredentialExpires">The expiry of the proxy's credential at the provider, if the proxy reported it.</param>
public sealed record PushResult(
    PushOutcome Outcome,
    string Cause = "",
    DateTimeOffset? GoneSince = null,
    DateTimeOffset? CredentialExpires = null
)
{
    /// <summary>The push was accepted.</summary>
    public static PushResult Sent { get; } = new(PushOutcome.Sent);

    /// <summary>Creates the result of a push that was not accepted.</summary>
    public static PushResult Failed(PushOutcome outcome, string cause) => new(outcome, cause);
}

/// <summary>The path to the phones: a push proxy, or the simulator's push cloud.</summary>
public interface IPushSender
{
    /// <summary>
    /// The server that messages are handed to, for the debug stream. A descriptive word replaces the address if there is none.
    /// </summary>
    (string Address, int Port) Server => ("in-process", 0);

    /// <summary>Hands over the message, at most once. Never throws for a failure of the proxy or the provider.</summary>
    ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken);
}

/// <summary>The sender of a unit without a push proxy: every push fails with that cause, and users can still enter codes.</summary>
public sealed class NoPushProxy : IPushSender
{
    /// <inheritdoc/>
    public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
        ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no push proxy is configured"));
}
