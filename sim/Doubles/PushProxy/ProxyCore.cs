using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.PushProxy;

/// <summary>
/// The rules of the proxy. A session is passed on once, however often a unit sends it. A registration may represent several phones, and one
/// that is gone gets no further push while another one is left. Thread-safe.
/// </summary>
internal sealed class ProxyCore(
    ProviderSettings settings,
    IProvider? apns,
    IProvider? fcm,
    TimeProvider time,
    Func<PushProxyRequest, Registration?>? secondPhone = null
)
{
    /// <summary>The number of sessions that are stored at the same time.</summary>
    internal const int SessionsMax = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (Task<PushResult> Result, DateTimeOffset Expires)> _sessions = new(StringComparer.Ordinal);
    private readonly HashSet<Registration> _gone = [];

    /// <summary>Passes a push on, or returns the earlier result of its session.</summary>
    public Task<PushResult> SendAsync(PushProxyRequest push, CancellationToken stopping)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var expires = DateTimeOffset.FromUnixTimeSeconds(push.Expires);
            if (expires <= now)
            {
                return Task.FromResult(PushResult.Failed(PushOutcome.Refused, "expired before it was sent"));
            }
            if (_sessions.TryGetValue(push.Session, out var known))
            {
                return known.Result;
            }
            if (_sessions.Count >= SessionsMax)
            {
                foreach (var old in _sessions.Where(session => session.Value.Expires <= now).Select(session => session.Key).ToArray())
                {
                    _sessions.Remove(old);
                }
                if (_sessions.Count >= SessionsMax)
                {
                    return Task.FromResult(PushResult.Failed(PushOutcome.Unavailable, "the push proxy is busy"));
                }
            }
            var result = PassOnAsync(push, stopping);
            _sessions.Add(push.Session, (result, expires));
            return result;
        }
    }

    private async Task<PushResult> PassOnAsync(PushProxyRequest push, CancellationToken stopping)
    {
        await Task.Yield();
        var phones = settings.PhonesOf(push.Recipient, push.Platform);
        if (secondPhone?.Invoke(push) is { } second)
        {
            phones = [.. phones, second];
        }
        List<Registration> asked;
        lock (_lock)
        {
            // The only phone gets the push even if it was gone, because it may be registered again.
            asked = phones.Count == 1 ? [.. phones] : [.. phones.Where(phone => !_gone.Contains(phone))];
        }
        if (asked.Count == 0)
        {
            asked = [.. phones];
        }
        var results = await Task.WhenAll(asked.Select(phone => SendAsync(push, phone, stopping)));
        lock (_lock)
        {
            foreach (var (phone, result) in asked.Zip(results))
            {
                _ =
                    result.Outcome == PushOutcome.RegistrationGone
                        ? _gone.Add(phone)
                        : result.Outcome == PushOutcome.Sent && _gone.Remove(phone);
            }
        }
        // One phone that gets the push is enough; the registration is gone when all of its phones are.
        var best =
            results.FirstOrDefault(result => result.Outcome == PushOutcome.Sent)
            ?? results.FirstOrDefault(result => result.Outcome != PushOutcome.RegistrationGone)
            ?? results.MaxBy(result => result.GoneSince)!;
        return best with { CredentialExpires = new[] { apns?.CredentialExpires, fcm?.CredentialExpires }.Min() };
    }

    private async Task<PushResult> SendAsync(PushProxyRequest push, Registration phone, CancellationToken stopping)
    {
        var provider = phone.Platform == "ios" ? apns : fcm;
        return provider is null
            ? PushResult.Failed(PushOutcome.Refused, $"no provider is set up for {phone.Platform}")
            : await provider.SendAsync(push, phone.Token, stopping);
    }
}
