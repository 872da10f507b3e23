using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.PushProxy;

/// <summary>A push provider as the proxy uses it.</summary>
internal interface IProvider
{
    /// <summary>The time from which the credential must not be used any more; null for never.</summary>
    DateTimeOffset? CredentialExpires { get; }

    /// <summary>Sends a push, with retries until the push expires.</summary>
    Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken);
}
