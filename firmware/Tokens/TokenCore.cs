using System.Text.Json;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Tokens;

/// <summary>
/// The token core: decides whether a code is right, and ensures that it is accepted once across all access methods. There is one for the
/// whole unit. Synchronous: the caller supplies the time and serializes the calls (the login service does).
/// </summary>
/// <remarks>
/// Steps are those of RFC 6238: whole time steps since 1970. A token's clock is assumed to be <c>drift</c> steps ahead of the unit's. A
/// code of one step before or after that is accepted and updates the drift. The greatest step whose code was accepted is stored permanently
/// by the seed's identity. No code of that step or an older one is accepted again, whatever the drift, a resynchronization or the clock.
/// Window and resync window are *assumed*: the vendor's are not public (60 minutes is the sibling product's default).
/// </remarks>
public sealed class TokenCore
{
    /// <summary>The log of the newest uses: identity, step, and the unit's own step.</summary>
    private static readonly StateLog UseLog = new("token_use_log");

    /// <summary>
    /// The SQL that creates the tables of consumed steps. <c>accepted_step</c> is the unit's own step at that time, for the record. The
    /// newest uses are appended to a log, because updating each token's own row would write another page of the disk for every login. From
    /// time to time the table is rewritten from memory, which has every use, and the log is emptied.
    /// </summary>
    public static readonly string UseTable =
        "CREATE TABLE IF NOT EXISTS token_use (identity TEXT PRIMARY KEY, last_step INTEGER NOT NULL, accepted_step INTEGER NOT NULL) WITHOUT ROWID;"
        + UseLog.Table;

    /// <summary>The SQL that creates the table of drifts, in steps.</summary>
    public const string DriftTable = "CREATE TABLE IF NOT EXISTS token_drift (identity TEXT PRIMARY KEY, drift INTEGER NOT NULL)";

    /// <summary>The greatest clock offset of a token that a resynchronization accepts.</summary>
    public static readonly TimeSpan ResyncWindow = TimeSpan.FromMinutes(60);

    /// <summary>
    /// The minimum capacity of the log, in uses. The capacity is <see cref="UsesPerToken"/> for each token ever used, if that is more.
    /// </summary>
    internal const int LogMax = 16_384;

    /// <summary>
    /// The log's capacity for each token. The table is as long as there are tokens, so rewriting it must be spread over many uses.
    /// </summary>
    private const int UsesPerToken = 8;

    private const string FoldSql =
        "INSERT INTO token_use (identity, last_step, accepted_step) VALUES ($0,$1,$2) "
        + "ON CONFLICT(identity) DO UPDATE SET last_step=max(last_step, excluded.last_step), accepted_step=max(accepted_step, excluded.accepted_step)";

    private readonly Dictionary<string, TokenMemory> _memory = new(StringComparer.Ordinal);
    private int _logged;

    /// <summary>Creates a core with the stored state of the database.</summary>
    public TokenCore(StateDatabase state)
    {
        var drifts = state
            .Read("SELECT identity, drift FROM token_drift", row => (Identity: row.GetString(0), Drift: row.GetInt32(1)))
            .ToDictionary(row => row.Identity, row => row.Drift, StringComparer.Ordinal);
        foreach (var (identity, lastStep, acceptedStep) in Uses(state, out _logged))
        {
            _memory.Add(
                identity,
                new TokenMemory
                {
                    LastStep = lastStep,
                    AcceptedStep = acceptedStep,
                    Drift = drifts.GetValueOrDefault(identity),
                }
            );
        }
        foreach (var (identity, drift) in drifts)
        {
            _memory.TryAdd(identity, Unused(drift));
        }
    }

    /// <summary>Creates a core without stored state, for tests of the rules.</summary>
    public TokenCore() { }

    /// <summary>The steps around the token's own in which a code is accepted, nearest first.</summary>
    public static ReadOnlySpan<int> Window => [0, -1, 1];

    /// <summary>Returns the greatest consumed step of each token, by its identity, from the database. For start-up only.</summary>
    public static IReadOnlyList<(string Identity, long LastStep)> LastSteps(StateDatabase state) =>
        [.. Uses(state, out _).Select(use => (use.Identity, use.LastStep))];

    /// <summary>Checks a code, and consumes it if it is right.</summary>
    public CodeVerdict Check(TokenSeed seed, ReadOnlySpan<char> code, DateTimeOffset now)
    {
        var writes = new List<StateWrite>();
        var match = Match(seed, code, Look(seed, now));
        if (match.Value is not { } value)
        {
            return Verdict(CodeOutcome.Wrong);
        }
        if (UseUp(seed, match, now, writes, out var drift))
        {
            return new(CodeOutcome.Accepted, default, writes, drift);
        }
        var (running, own, lastStep, _) = match.At;
        if (match.WasUsed)
        {
            // Waiting for the next code helps only while the token displays a consumed one. After the clock was set back it does not.
            return own == lastStep || running == lastStep
                ? new(CodeOutcome.Wait, Rest(seed, now), []) { Replayed = true }
                : Verdict(CodeOutcome.Wrong) with
                {
                    Replayed = true,
                };
        }
        return Verdict(
            Nearest(seed, running, own).Any(step => step > lastStep && seed.IsCode(value, step))
                ? CodeOutcome.NextCodeWanted
                : CodeOutcome.Wrong
        );
    }

    /// <summary>
    /// Proves a token with two consecutive codes and determines its clock drift. Both codes must be newer than every accepted one, and
    /// different.
    /// </summary>
    public ResyncVerdict Resync(TokenSeed seed, ReadOnlySpan<char> code, ReadOnlySpan<char> next, DateTimeOffset now)
    {
        if (seed.Read(code) is not { } first || seed.Read(next) is not { } second)
        {
            return new(ResyncOutcome.Wrong, 0, []);
        }
        if (first == second)
        {
            return new(ResyncOutcome.SameCode, 0, []);
        }
        var memory = Find(seed);
        var (running, own, lastStep, _) = Place(seed, memory, now);
        var used = false;
        foreach (var step in Nearest(seed, running, own))
        {
            if (!seed.IsCode(first, step) || !seed.IsCode(second, step + 1) || !IsInReach(seed, step + 1, running))
            {
                continue;
            }
            if (step > lastStep)
            {
                var writes = new List<StateWrite>();
                Accept(seed, memory, step + 1, running, writes, out var drift);
                return new(ResyncOutcome.Synced, drift, writes);
            }
            used = true;
        }
        return new(used ? ResyncOutcome.Used : ResyncOutcome.Wrong, 0, []);
    }

    /// <summary>
    /// Returns the rest of the running step while the token displays a consumed code, so that no further one can be accepted; otherwise
    /// null.
    /// </summary>
    public TimeSpan? WaitFor(TokenSeed seed, DateTimeOffset now)
    {
        var at = Look(seed, now);
        return at.Own == at.LastStep ? Rest(seed, now) : null;
    }

    /// <summary>Returns the last known drift of a token, in steps ahead of the unit (negative if behind).</summary>
    public int DriftOf(TokenSeed seed) => Find(seed)?.Drift ?? 0;

    /// <summary>Returns the current time step of a token: the part of the core's state that <see cref="Match"/> needs.</summary>
    internal TokenPlace Look(TokenSeed seed, DateTimeOffset now) => Place(seed, Find(seed), now);

    /// <summary>
    /// Compares a code with those that the token may display. Needs no state of the core, so it can run outside the core's lock. A right
    /// code returns sooner than a wrong one, which reveals no more than the answer does.
    /// </summary>
    internal static CodeMatch Match(TokenSeed seed, ReadOnlySpan<char> code, TokenPlace at)
    {
        if (seed.Read(code) is not { } value)
        {
            return new(at, null, null, false);
        }
        var used = false;
        foreach (var away in Window)
        {
            var step = at.Own + away;
            if (!seed.IsCode(value, step) || !IsInReach(seed, step, at.Running))
            {
                continue;
            }
            if (step > at.LastStep)
            {
                return new(at, value, step, used);
            }
            used = true;
        }
        return new(at, value, null, used);
    }

    /// <summary>
    /// Consumes the step that a code belongs to; false if it belongs to none. If the token's record changed since, the code is compared
    /// again.
    /// </summary>
    internal bool UseUp(TokenSeed seed, CodeMatch match, DateTimeOffset now, List<StateWrite> writes, out int drift)
    {
        var memory = match.At.Memory ?? Find(seed);
        var at = Place(seed, memory, now);
        if (at != match.At && match.Value is { } value)
        {
            match = Match(seed, value.ToString($"D{seed.Digits}", System.Globalization.CultureInfo.InvariantCulture), at);
        }
        if (match.Step is not { } step)
        {
            drift = 0;
            return false;
        }
        Accept(seed, memory, step, at.Running, writes, out drift);
        return true;
    }

    /// <summary>
    /// Adopts a drift that was established elsewhere (RFC 6030, TimeDrift). A drift that this unit learned from a code is newer and
    /// remains.
    /// </summary>
    /// <param name="seed">The token's seed.</param>
    /// <param name="drift">The steps that the token is ahead; negative if it is behind.</param>
    /// <returns>The writes that make it durable.</returns>
    internal IReadOnlyList<StateWrite> TakeDrift(TokenSeed seed, int drift)
    {
        if (Find(seed) is { LastStep: >= 0 })
        {
            return [];
        }
        _memory[seed.Identity] = Unused(drift);
        return [DriftWrite(seed, drift)];
    }

    /// <summary>Returns the core's record of a token; null if no code of it was ever accepted and no drift is known.</summary>
    internal TokenMemory? Find(TokenSeed seed) => _memory.GetValueOrDefault(seed.Identity);

    private void Accept(TokenSeed seed, TokenMemory? memory, long step, long running, List<StateWrite> writes, out int drift)
    {
        drift = (int)(step - running);
        if (memory is null)
        {
            _memory.Add(seed.Identity, memory = new TokenMemory());
        }
        var learned = drift != memory.Drift;
        (memory.LastStep, memory.AcceptedStep, memory.Drift) = (step, running, drift);
        writes.Add(StateWrite.To(UseLog, seed.Identity, step, running));
        if (++_logged >= Math.Max(LogMax, UsesPerToken * _memory.Count))
        {
            _logged = 0;
            Fold(writes);
        }
        if (learned)
        {
            writes.Add(DriftWrite(seed, drift));
        }
    }

    private static TokenMemory Unused(int drift) =>
        new()
        {
            LastStep = -1,
            AcceptedStep = -1,
            Drift = drift,
        };

    private static StateWrite DriftWrite(TokenSeed seed, int drift) =>
        new(
            "INSERT INTO token_drift (identity, drift) VALUES ($0,$1) ON CONFLICT(identity) DO UPDATE SET drift=excluded.drift",
            seed.Identity,
            (long)drift
        );

    /// <summary>
    /// Writes all records to the table, whatever is in the log, so that nothing is missing even if an earlier write failed. The records may
    /// include consumed steps that are not durable yet. This only refuses codes that authenticated no client.
    /// </summary>
    private void Fold(List<StateWrite> writes)
    {
        var uses = new List<(string, long, long)>(_memory.Count);
        foreach (var (identity, memory) in _memory)
        {
            if (memory.LastStep >= 0)
            {
                uses.Add((identity, memory.LastStep, memory.AcceptedStep));
            }
        }
        writes.Add(StateWrite.ForEach(FoldSql, uses));
        writes.Add(new StateWrite("DELETE FROM token_use_log"));
    }

    /// <summary>Reads the table and the log together.</summary>
    /// <param name="state">The database.</param>
    /// <param name="logged">The number of uses in the log.</param>
    private static IEnumerable<(string Identity, long LastStep, long AcceptedStep)> Uses(StateDatabase state, out int logged)
    {
        var uses = state
            .Read(
                "SELECT identity, last_step, accepted_step FROM token_use",
                row => (Identity: row.GetString(0), Last: row.GetInt64(1), Accepted: row.GetInt64(2))
            )
            .ToDictionary(use => use.Identity, use => (use.Last, use.Accepted), StringComparer.Ordinal);
        logged = 0;
        foreach (var entries in state.Read("SELECT entries FROM token_use_log ORDER BY id", row => row.GetString(0)))
        {
            using var json = JsonDocument.Parse(entries);
            foreach (var entry in json.RootElement.EnumerateArray())
            {
                var (identity, last, accepted) = (entry[0].GetString()!, entry[1].GetInt64(), entry[2].GetInt64());
                var (lastBefore, acceptedBefore) = uses.GetValueOrDefault(identity, (-1, -1));
                uses[identity] = (Math.Max(last, lastBefore), Math.Max(accepted, acceptedBefore));
                logged++;
            }
        }
        return uses.Select(use => (use.Key, use.Value.Last, use.Value.Accepted));
    }

    private static CodeVerdict Verdict(CodeOutcome outcome) => new(outcome, default, []);

    /// <summary>Returns the steps of the resync window, those nearest to the token's own first.</summary>
    private static IEnumerable<long> Nearest(TokenSeed seed, long running, long own)
    {
        var reach = ResyncWindow.Ticks / seed.Step.Ticks;
        for (var away = 0L; away <= 2 * reach; away++)
        {
            if (IsInReach(seed, own + away, running))
            {
                yield return own + away;
            }
            if (away > 0 && IsInReach(seed, own - away, running))
            {
                yield return own - away;
            }
        }
    }

    private static bool IsInReach(TokenSeed seed, long step, long running) =>
        Math.Abs(step - running) <= ResyncWindow.Ticks / seed.Step.Ticks;

    /// <summary>
    /// Returns the time step of a token with this record. Outside the core's serialization its values may be of two moments;
    /// <see cref="UseUp"/> checks again.
    /// </summary>
    internal static TokenPlace Place(TokenSeed seed, TokenMemory? memory, DateTimeOffset now)
    {
        var running = Step(seed, now);
        return new(running, running + (memory?.Drift ?? 0), memory?.LastStep ?? -1, memory);
    }

    private static long Step(TokenSeed seed, DateTimeOffset now) => (now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / seed.Step.Ticks;

    private static TimeSpan Rest(TokenSeed seed, DateTimeOffset now) =>
        seed.Step - TimeSpan.FromTicks((now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) % seed.Step.Ticks);
}
