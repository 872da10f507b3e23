using Appliance.Firmware.Ftm;

namespace Appliance.Sim.PushProxy;

/// <summary>A push provider as the proxy uses it.</summary>
internal interface IProvider
{
    /// <summary>When its credential must not be used any more; null when never.</summary>
    DateTimeOffset? CredentialExpires { get; }

    /// <summary>Hands a push over, with every try that it takes before the push is void.</summary>
    Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken);
}
