using System.Net;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login;

/// <summary>A block of a source.</summary>
/// <param name="Setting">The setting that blocks, as events name it.</param>
/// <param name="Change">The console line that changes it.</param>
/// <param name="Until">The end of the block.</param>
internal readonly record struct SourceBlock(string Setting, string Change, DateTimeOffset Until);

/// <summary>
/// Every limit on failures, and which of them apply to a login: sources, names, factors and pushes. Synchronous: the caller serializes, and
/// makes the writes durable before it answers.
/// </summary>
internal sealed class LoginLimits
{
    /// <summary>The SQL of the tables of all limits.</summary>
    internal static readonly string[] Tables =
    [
        FailureLimit.Table,
        FailureLimit.AccountTable,
        CodeGuessThrottle.Table,
        PushLimit.Table,
    ];

    private readonly FailureLimit _sources = new("sslvpn-source");
    private readonly FailureLimit _blackouts = new("user-source");
    private readonly FailureLimit _names = new("user");
    private readonly FailureLimit _adminSources = new("admin-source");

    /// <summary>Wrong codes of a factor.</summary>
    internal CodeGuessThrottle Guesses { get; } = new();

    /// <summary>Unanswered pushes of a user.</summary>
    internal PushLimit Pushes { get; } = new();

    private FailureLimit[] All => [_sources, _blackouts, _names, _adminSources];

    /// <summary>Loads the stored counts from the database. For start-up only.</summary>
    internal void Load(StateDatabase state)
    {
        foreach (var limit in All)
        {
            limit.Load(state);
        }
        Guesses.Load(state);
        Pushes.Load(state);
    }

    /// <summary>Returns the end of the longest lockout of a user or source for too many failures; null if there is none.</summary>
    internal DateTimeOffset? LockedOutUntil(DateTimeOffset now) => All.Max(limit => limit.AnyoneBlockedUntil(now));

    /// <summary>Returns the block of a request's source; null if it is not blocked.</summary>
    internal SourceBlock? BlockOf(LoginRequest request, DateTimeOffset now)
    {
        var key = SourceKey(request);
        return request.Kind switch
        {
            LoginKind.Admin => _adminSources.BlockedUntil(key, now) is { } until
                ? new("admin-lockout-threshold", LoginSetting.AdminLockout, until)
                : null,
            // A RADIUS client sends requests for many users: blocking it would lock all of them out.
            LoginKind.Radius => null,
            _ => _sources.BlockedUntil(key, now) is { } until ? new("login-attempt-limit", LoginSetting.AttemptLimit, until)
            : _blackouts.BlockedUntil(key, now) is { } blackout ? new("auth-blackout-time", LoginSetting.BlackoutTime, blackout)
            : null,
        };
    }

    /// <summary>Returns true once for each block of a request's source, so that repeated tries do not fill a log.</summary>
    internal bool TellOnce(LoginRequest request, DateTimeOffset now)
    {
        var key = SourceKey(request);
        var limit =
            request.Kind == LoginKind.Admin ? _adminSources
            : _sources.BlockedUntil(key, now) is not null ? _sources
            : _blackouts;
        return limit.TellOnce(key);
    }

    /// <summary>
    /// Returns the end of the lockout of a request's name; null if it is not locked out. It is the same for unknown names, because a
    /// lockout must not reveal which accounts exist.
    /// </summary>
    internal DateTimeOffset? NameLockedUntil(LoginRequest request, LoginPolicy policy, DateTimeOffset now) =>
        request.Kind == LoginKind.Admin || policy.Lockout.Block == TimeSpan.Zero
            ? null
            : _names.BlockedUntil(NameFold.Skeleton(request.User), now);

    /// <summary>Counts a refused login.</summary>
    /// <param name="step">Receives the writes, and the events of the blocks that begin.</param>
    /// <param name="request">The first factor.</param>
    /// <param name="user">The account's name, or the typed one if it has no account.</param>
    /// <param name="reason">The reason. Only wrong guesses count against the name.</param>
    /// <param name="policy">The limits in force.</param>
    /// <param name="now">The current time.</param>
    internal void Failed(LoginStep step, LoginRequest request, string user, Refusal reason, LoginPolicy policy, DateTimeOffset now)
    {
        var key = SourceKey(request);
        bool Fails(FailureLimit limit, string of, FailureRule rule, string? account) =>
            limit.Fail(of, rule.Limit, rule.Within, rule.Block, now, step.Memory, account);
        if (request.Kind == LoginKind.Admin)
        {
            if (Fails(_adminSources, key, policy.AdminLockout, user))
            {
                step.Events.Add(LoginEvents.AdminsBlocked(request, policy.AdminLockout));
            }
            return;
        }
        if (request.Kind == LoginKind.SslVpn)
        {
            if (Fails(_sources, key, policy.SourceLimit, user))
            {
                step.Events.Add(LoginEvents.SourceBlocked(request, "login-attempt-limit", policy.SourceLimit.Block));
            }
            if (Fails(_blackouts, key, policy.Blackout, user))
            {
                step.Events.Add(LoginEvents.SourceBlocked(request, "auth-invalid-max", policy.Blackout.Block));
            }
        }
        if (
            reason is Refusal.BadCredentials or Refusal.WrongCode or Refusal.WrongNumber
            && Fails(_names, NameFold.Skeleton(request.User), policy.Lockout, null)
        )
        {
            step.Events.Add(LoginEvents.UserLockedOut(request, user, policy.Lockout.Block));
        }
    }

    /// <summary>Clears the failures that a successful login forgives: those of its account, at its source.</summary>
    internal void Succeeded(LoginRequest request, string user, List<StateWrite> memory)
    {
        var key = SourceKey(request);
        if (request.Kind == LoginKind.Admin)
        {
            _adminSources.Forgive(key, user, memory);
            return;
        }
        if (request.Kind == LoginKind.SslVpn)
        {
            _sources.Forgive(key, user, memory);
            _blackouts.Forgive(key, user, memory);
        }
        _names.Forgive(NameFold.Skeleton(request.User), memory);
    }

    /// <summary>Returns the sources with failures at the SSL VPN that count or block, the latest failure last.</summary>
    internal IReadOnlyList<FailureEntry> BlockList(LoginPolicy policy, DateTimeOffset now) => _sources.List(policy.SourceLimit.Within, now);

    /// <summary>Clears the failures of one source, or of all (null). Returns the number of sources cleared.</summary>
    internal int Unblock(IPAddress? source, List<StateWrite> memory) =>
        source is null ? _sources.ForgiveAll(memory)
        : _sources.Forgive(source.ToString(), memory) ? 1
        : 0;

    private static string SourceKey(LoginRequest request) => request.Source.Equals(IPAddress.None) ? "console" : request.Source.ToString();
}
