using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>How a one-time code reaches its user: <c>two-factor email</c> or <c>two-factor sms</c>.</summary>
public enum CodeChannel
{
    /// <summary>A mail to <c>email-to</c>.</summary>
    Email,
    /// <summary>A text message to <c>sms-phone</c>.</summary>
    Sms,
}

/// <summary>Where the one-time codes of a user go, and how long each lives.</summary>
/// <param name="Channel">By mail or by text message.</param>
/// <param name="Address">The mail address, or the telephone number; never empty.</param>
/// <param name="SmsServer">The entry of <c>system sms-server</c> that takes the message; "" for the vendor's service, and by mail.</param>
/// <param name="Life"><c>two-factor-email-expiry</c> or <c>two-factor-sms-expiry</c>.</param>
public sealed record CodeDestination(CodeChannel Channel, string Address, string SmsServer, TimeSpan Life)
{
    /// <summary>
    /// Reads it from an entry of <c>user local</c> (or <c>system admin</c>, which has the same attributes). Null when its second factor is
    /// another one, or when it has no address: then no code can reach the user, and the login must be refused.
    /// </summary>
    public static CodeDestination? From(ConfigTree config, ConfigObject user)
    {
        var global = config.Object("system global");
        return user.Text("two-factor") switch
        {
            "email" when user.Text("email-to") is { Length: > 0 } address =>
                new(CodeChannel.Email, address, "", TimeSpan.FromSeconds(global.Number("two-factor-email-expiry"))),
            "sms" when user.Text("sms-phone") is { Length: > 0 } number =>
                new(CodeChannel.Sms, number, user.Text("sms-server") == "custom" ? user.Text("sms-custom-server") : "", TimeSpan.FromSeconds(global.Number("two-factor-sms-expiry"))),
            _ => null,
        };
    }
}

/// <summary>A one-time code on its way to its user. The only thing that holds the code in clear; never logged.</summary>
public sealed record CodeOrder(string User, CodeDestination To, string Code, DateTimeOffset Expires)
{
    /// <summary>Says nothing of the code.</summary>
    public override string ToString() => $"code for {User}";
}

/// <summary>The way that one-time codes take. Calls return at once; a failure is an event, and the login runs into its deadline.</summary>
public interface ICodeGateway
{
    /// <summary>Sends a code, and writes the event (38411).</summary>
    void Send(CodeOrder order);
}

/// <summary>What became of a one-time code.</summary>
public enum OneTimeOutcome
{
    /// <summary>Right, and used up now.</summary>
    Accepted,
    /// <summary>Wrong. The code that was issued still stands.</summary>
    Wrong,
    /// <summary>None stands for this login: never issued, used, forgotten, or its time is over.</summary>
    Expired,
}

/// <summary>
/// The core of the codes that go by mail and SMS: six digits, random, one for each pending login, kept as a digest, good once and for
/// its life. Synchronous; the caller serializes the calls, and gives the time and the random code. Nothing of it outlives a
/// restart, because no pending login does.
/// </summary>
public sealed class OneTimeCodes
{
    /// <summary>
    /// Codes that may be on their way to one user at once: who knows a password cannot flood its owner with mail (*assumed*).
    /// </summary>
    public const int OutstandingMax = 5;

    private readonly Dictionary<string, Issued> _byLogin = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _loginsOf = new(StringComparer.Ordinal);

    private sealed record Issued(string User, byte[] Digest, DateTimeOffset Expires);

    /// <summary>A code for <see cref="Issue"/>: six decimal digits, of 64 random bits. The core has no chance of its own.</summary>
    public static string CodeOf(ulong random) => (random % 1_000_000).ToString("D6", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>
    /// Issues a code for a pending login; one that this login had before is void. Null when the user has
    /// <see cref="OutstandingMax"/> others that still live: then nothing is sent, and the login must be refused.
    /// </summary>
    /// <param name="requestId">The pending login: the code lets in nobody else.</param>
    /// <param name="user">Who logs in.</param>
    /// <param name="to">Where the code goes, and how long it lives.</param>
    /// <param name="randomCode">From <see cref="CodeOf"/>.</param>
    /// <param name="now">The time.</param>
    public CodeOrder? Issue(string requestId, string user, CodeDestination to, string randomCode, DateTimeOffset now)
    {
        Forget(requestId);
        foreach (var late in _loginsOf.GetValueOrDefault(user, []).Where(login => now >= _byLogin[login].Expires).ToArray())
        {
            Forget(late);
        }
        if (!_loginsOf.TryGetValue(user, out var logins))
        {
            _loginsOf.Add(user, logins = []);
        }
        if (logins.Count >= OutstandingMax)
        {
            return null;
        }
        var expires = now + to.Life;
        logins.Add(requestId);
        _byLogin.Add(requestId, new Issued(user, DigestOf(requestId, randomCode), expires));
        return new CodeOrder(user, to, randomCode, expires);
    }

    /// <summary>Checks a code for a pending login, and uses it up when it is right. How many wrong ones a login may have is the caller's rule.</summary>
    public OneTimeOutcome Check(string requestId, ReadOnlySpan<char> code, DateTimeOffset now)
    {
        if (!_byLogin.TryGetValue(requestId, out var issued))
        {
            return OneTimeOutcome.Expired;
        }
        if (now >= issued.Expires)
        {
            Forget(requestId);
            return OneTimeOutcome.Expired;
        }
        if (!CryptographicOperations.FixedTimeEquals(DigestOf(requestId, code), issued.Digest))
        {
            return OneTimeOutcome.Wrong;
        }
        Forget(requestId);
        return OneTimeOutcome.Accepted;
    }

    /// <summary>The login is over: its code is void.</summary>
    public void Forget(string requestId)
    {
        if (_byLogin.Remove(requestId, out var issued) && _loginsOf.TryGetValue(issued.User, out var logins) && logins.Remove(requestId) && logins.Count == 0)
        {
            _loginsOf.Remove(issued.User);
        }
    }

    // Salted with the login's own 96 random bits: equal codes of two logins look different.
    private static byte[] DigestOf(string requestId, ReadOnlySpan<char> code) => SHA256.HashData(Encoding.UTF8.GetBytes($"{requestId}\n{code}"));
}
