using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Login.Accounts;

namespace Appliance.Firmware.Login;

/// <summary>A one-time code to be delivered to its user. The only object that holds the code in clear text; never logged.</summary>
public sealed record CodeOrder(string User, CodeDestination To, string Code, DateTimeOffset Expires)
{
    /// <summary>Returns a description without the code.</summary>
    public override string ToString() => $"code for {User}";
}

/// <summary>The delivery of one-time codes. Calls return immediately. A failure is an event, and the login ends at its deadline.</summary>
public interface ICodeGateway
{
    /// <summary>Sends a code, and logs the event (38411).</summary>
    void Send(CodeOrder order);
}

/// <summary>The result of checking a one-time code.</summary>
public enum OneTimeOutcome
{
    /// <summary>Right; the code is now consumed.</summary>
    Accepted,

    /// <summary>Wrong. The issued code remains valid.</summary>
    Wrong,

    /// <summary>The login has no valid code: never issued, consumed, voided or expired.</summary>
    Expired,
}

/// <summary>
/// The core of the codes that are sent by e-mail and SMS. A code has six random digits, belongs to one pending login, is stored as a
/// digest, and is valid once and for its life. Synchronous: the caller serializes the calls, and supplies the time and the random code.
/// Codes do not survive a restart, because no pending login does.
/// </summary>
public sealed class OneTimeCodes
{
    /// <summary>
    /// The maximum number of valid codes of one user. It prevents a client that has only the password from flooding the user with e-mail
    /// (*assumed*).
    /// </summary>
    public const int OutstandingMax = 5;

    private readonly Dictionary<string, Issued> _byLogin = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _loginsOf = new(StringComparer.Ordinal);

    /// <summary>
    /// Returns a code for <see cref="Issue"/>: six decimal digits from 64 random bits. The core generates no random values itself.
    /// </summary>
    public static string CodeOf(ulong random) => (random % 1_000_000).ToString("D6", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>
    /// Issues a code for a pending login and voids the login's previous one. Null if the user has <see cref="OutstandingMax"/> other valid
    /// codes: nothing is sent then, and the login must be refused.
    /// </summary>
    /// <param name="requestId">The pending login, the only one for which the code is valid.</param>
    /// <param name="user">The user that logs in.</param>
    /// <param name="to">The destination, and the life of the code.</param>
    /// <param name="randomCode">A code from <see cref="CodeOf"/>.</param>
    /// <param name="now">The current time.</param>
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

    /// <summary>Checks a code for a pending login, and consumes it if it is right. The caller limits the number of wrong codes.</summary>
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

    /// <summary>Voids the code of a login that has ended.</summary>
    public void Forget(string requestId)
    {
        if (
            _byLogin.Remove(requestId, out var issued)
            && _loginsOf.TryGetValue(issued.User, out var logins)
            && logins.Remove(requestId)
            && logins.Count == 0
        )
        {
            _loginsOf.Remove(issued.User);
        }
    }

    // Salted with the login's own 96 random bits, so that equal codes of two logins have different digests.
    private static byte[] DigestOf(string requestId, ReadOnlySpan<char> code) =>
        SHA256.HashData(Encoding.UTF8.GetBytes($"{requestId}\n{code}"));

    private sealed record Issued(string User, byte[] Digest, DateTimeOffset Expires);
}
