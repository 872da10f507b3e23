using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Lab.Page;

/// <summary>
/// Who of the network may hold a phone of the lab: whoever showed the code that the lab's own screen shows. Few tries are free, so that
/// nobody finds it by trying. Thread-safe.
/// </summary>
internal sealed class PhonePairing(TimeProvider time)
{
    internal const int FreeTries = 5;
    private const int PairedMax = 100;
    private const int CodeMax = 100_000_000;

    /// <summary>After <see cref="FreeTries"/> wrong ones.</summary>
    internal static readonly TimeSpan Wait = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _paired = [];
    private int _wrong;
    private long _waitsSince;

    /// <summary>Eight digits, of this start of the lab.</summary>
    public string Code { get; } = RandomNumberGenerator.GetInt32(CodeMax).ToString("d8", CultureInfo.InvariantCulture);

    /// <summary>A cookie for who knows the code; null with the time to wait, which is zero when another try is free.</summary>
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

    /// <summary>True when a cookie is one of ours.</summary>
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
