using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Administrators;

/// <summary>Why an administrator was not let in. To the outside all are one.</summary>
public enum AdminRefusal
{
    /// <summary>No account of that name.</summary>
    UnknownName,
    /// <summary>Wrong password, or none over the network.</summary>
    WrongPassword,
    /// <summary>The source is shut out.</summary>
    Locked,
    /// <summary>The address is no trusted host of the account.</summary>
    NotTrusted,
    /// <summary>The account demands a second factor, which cannot be asked for here yet.</summary>
    SecondFactor,
}

/// <summary>The answer to name and password.</summary>
/// <param name="Who">Not null: let in.</param>
/// <param name="Refusal">Why not, when not.</param>
/// <param name="MustChangePassword">True when a new password must be set before anything else.</param>
public sealed record AdminVerdict(Administrator? Who, AdminRefusal? Refusal = null, bool MustChangePassword = false);

/// <summary>Lets administrators in. Thread-safe; an answer is given once what it rests on is durable.</summary>
public sealed class AdminLogin(ConfigStore store, AdminLockouts lockouts, PasswordHistory passwords, StateDatabase state, EventLog events, TimeProvider time)
{
    private static readonly byte[] NoPassword = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _lock = new();

    /// <summary>Checks name and password.</summary>
    /// <param name="name">As typed.</param>
    /// <param name="password">As typed; an account without one takes the empty one, at the console alone.</param>
    /// <param name="ui">The way in: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
    /// <param name="source">From where; null at the console.</param>
    public async Task<AdminVerdict> CheckAsync(string name, string password, string ui, IPAddress? source)
    {
        var (verdict, memory, happened) = Decide(name, password, ui, source);
        foreach (var entry in happened)
        {
            events.Write(entry);
        }
        await state.CommitAsync(memory).ConfigureAwait(false);
        return verdict;
    }

    /// <summary>Writes the end of a session.</summary>
    /// <param name="who">Whose.</param>
    /// <param name="source">From where; null at the console.</param>
    /// <param name="began">When he was let in.</param>
    /// <param name="reason">exit or timeout.</param>
    public void End(Administrator who, IPAddress? source, DateTimeOffset began, string reason) => events.Write(AdminEvents.LoggedOut(who, source, began, time.GetUtcNow(), reason));

    /// <summary>Writes that a session begins: after the password, and whatever had to be done before it.</summary>
    public void Begin(Administrator who, IPAddress? source) => events.Write(AdminEvents.LoggedIn(who, source, time.GetUtcNow()));

    private (AdminVerdict, IReadOnlyList<StateWrite>, List<EventEntry>) Decide(string name, string password, string ui, IPAddress? source)
    {
        var happened = new List<EventEntry>();
        var place = source?.ToString() ?? ui;
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var config = store.Current;
            if (lockouts.IsLocked(place, now))
            {
                // No event: the lockout was one, and who goes on trying must not fill the log.
                return (new AdminVerdict(null, AdminRefusal.Locked), [], happened);
            }
            var account = AdminAccounts.Find(config, name);
            var same = Matches(account, password);
            AdminRefusal? refusal =
                account is null ? AdminRefusal.UnknownName
                : !same || (account.Password.Length == 0 && source is not null) ? AdminRefusal.WrongPassword
                : source is not null && account.Entry is { } entry && !TrustedHosts.Allows(entry, source) ? AdminRefusal.NotTrusted
                : account.SecondFactor ? AdminRefusal.SecondFactor
                : null;
            if (refusal is null)
            {
                var who = new Administrator(name, account!.Profile, ui);
                return (new AdminVerdict(who, MustChangePassword: MustChange(account, config, now)), lockouts.Succeed(place), happened);
            }
            happened.Add(AdminEvents.Failed(name, ui, source, refusal.Value, now));
            var global = config.Object("system global");
            var (threshold, duration) = ((int)global.Number("admin-lockout-threshold"), TimeSpan.FromSeconds(global.Number("admin-lockout-duration")));
            var (locks, memory) = lockouts.Fail(place, threshold, duration, now);
            if (locks)
            {
                happened.Add(AdminEvents.Locked(ui, source, threshold, duration));
            }
            return (new AdminVerdict(null, refusal), memory, happened);
        }
    }

    private bool MustChange(AdminAccount account, ConfigTree config, DateTimeOffset now) =>
        account.Entry is { } entry && (entry.Enabled("force-password-change") || (account.Password.Length > 0 && passwords.IsExpired(config, account.Name, entry.Text("password-expire"), now)));

    /// <summary>An unknown account costs the same comparison as a known one, on digests of one length, so that time tells nothing.</summary>
    private static bool Matches(AdminAccount? account, string password)
    {
        Span<byte> given = stackalloc byte[32];
        Span<byte> expected = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(password), given);
        SHA256.HashData(account is null ? NoPassword : Encoding.UTF8.GetBytes(account.Password), expected);
        return CryptographicOperations.FixedTimeEquals(given, expected) && account is not null;
    }
}
