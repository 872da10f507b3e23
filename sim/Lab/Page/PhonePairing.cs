using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Lab.Page;

/// <summary>
/// The pairing of phones of the network, by the code on the lab's screen. After a few wrong codes, attempts are delayed, so the code cannot
/// be found by guessing. Thread-safe.
/// </summary>
internal sealed class PhonePairing(TimeProvider time)
{
    internal const int FreeTries = 5;
    private const int PairedMax = 100;
    private const int CodeMax = 100_000_000;

    /// <summary>The delay after <see cref="FreeTries"/> wrong codes.</summary>
    internal static readonly TimeSpan Wait = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _paired = [];
    private int _wrong;
    private long _waitsSince;

    /// <summary>The eight-digit code of this start of the lab.</summary>
    public string Code { get; } = RandomNumberGenerator.GetInt32(CodeMax).ToString("d8", CultureInfo.InvariantCulture);

    /// <summary>
    /// Returns a cookie for the right code. Otherwise null with the time to wait, which is zero if another attempt is allowed now.
    /// </summary>
    public string? Pair(string code, out TimeSpan wait)
    {
        lock (_lock)
        {
            wait = _wrong >= FreeTries ? Wait - time.GetElapsedTime(_waitsSince) : TimeSpan.Zero;
            if (wait > TimeSpan.Zero)
            {
                return null;
            }
            if (_wrong >= FreeTries)
            {
                _wrong = 0;
            }
            wait = TimeSpan.Zero;
            if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(code), Encoding.UTF8.GetBytes(Code)))
            {
                _wrong++;
                _waitsSince = time.GetTimestamp();
                return null;
            }
            _wrong = 0;
            var cookie = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            _paired.Enqueue(Digest(cookie));
            if (_paired.Count > PairedMax)
            {
                _paired.Dequeue();
            }
            return cookie;
        }
    }

    /// <summary>Returns true if a cookie was issued here.</summary>
    public bool IsPaired(string? cookie)
    {
        if (cookie is null)
        {
            return false;
        }
        var digest = Digest(cookie);
        lock (_lock)
        {
            return _paired.Any(paired => CryptographicOperations.FixedTimeEquals(paired, digest));
        }
    }

    private static byte[] Digest(string cookie) => SHA256.HashData(Encoding.UTF8.GetBytes(cookie));
}
