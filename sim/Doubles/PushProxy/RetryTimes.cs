using System.Globalization;
using System.Net.Http.Headers;

namespace Appliance.Doubles.PushProxy;

/// <summary>
/// Computes the time of the next attempt at a provider: after the time that the provider requested, to the millisecond, otherwise after a
/// time that doubles, with jitter. Never when the message would have expired by then. Synchronous; seeded.
/// </summary>
internal sealed class RetryTimes(int seed)
{
    /// <summary>The number of attempts in all.</summary>
    public const int TriesMax = 5;

    /// <summary>The wait after a 429 from FCM without Retry-After (*documented*: one minute).</summary>
    public static readonly TimeSpan QuotaWait = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private readonly Random _random = new(seed);
    private readonly Lock _lock = new();

    /// <summary>Returns the wait before the next attempt; null if there is none.</summary>
    /// <param name="tries">The number of attempts so far, at least one.</param>
    /// <param name="asked">The wait that the provider requested; null for none.</param>
    /// <param name="now">The current time.</param>
    /// <param name="expires">The time at which the message expires.</param>
    public TimeSpan? Next(int tries, TimeSpan? asked, DateTimeOffset now, DateTimeOffset expires)
    {
        if (tries >= TriesMax)
        {
            return null;
        }
        double jitter;
        lock (_lock)
        {
            jitter = 0.5 + _random.NextDouble();
        }
        var wait = asked ?? (First * Math.Pow(2, tries - 1) * jitter);
        return now + wait < expires ? wait : null;
    }

    /// <summary>Reads Retry-After as seconds or as a date (RFC 9110, section 10.2.3).</summary>
    public static TimeSpan? Asked(HttpResponseHeaders headers, DateTimeOffset now)
    {
        if (headers.RetryAfter is { } header)
        {
            return header.Delta
                ?? (
                    header.Date is { } date
                        ? date > now
                            ? date - now
                            : TimeSpan.Zero
                        : null
                );
        }
        // A fraction is not in the RFC, but some servers send one.
        return
            headers.TryGetValues("Retry-After", out var values)
            && double.TryParse(values.First(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            && seconds < 86_400
            ? TimeSpan.FromSeconds(seconds)
            : null;
    }
}
