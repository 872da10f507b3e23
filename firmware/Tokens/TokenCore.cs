using System.Text.Json;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Tokens;

/// <summary>What became of a code.</summary>
public enum CodeOutcome
{
    /// <summary>The code is right and is used up now.</summary>
    Accepted,
    /// <summary>The code is wrong, too far away, or was used in another step.</summary>
    Wrong,
    /// <summary>The token still shows a code that was used: wait for the next.</summary>
    Wait,
    /// <summary>The code is of a step outside the window and inside the resync window: the one after it would prove the token. Nothing is used up.</summary>
    NextCodeWanted,
}

/// <summary>The verdict on a code.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Wait">With <see cref="CodeOutcome.Wait"/>: the rest of the step, more than zero and at most the step; else zero.</param>
/// <param name="Memory">With <see cref="CodeOutcome.Accepted"/>: the writes that must be durable before anybody is told; else none.</param>
/// <param name="Drift">With <see cref="CodeOutcome.Accepted"/>: how many steps the token is ahead (behind when negative).</param>
public readonly record struct CodeVerdict(CodeOutcome Outcome, TimeSpan Wait, IReadOnlyList<StateWrite> Memory, int Drift = 0)
{
    /// <summary>True if the code is that of a step that was consumed: with <see cref="CodeOutcome.Wait"/>, and with some of <see cref="CodeOutcome.Wrong"/>.</summary>
    public bool Replayed { get; init; }
}

/// <summary>What became of a resynchronization.</summary>
public enum ResyncOutcome
{
    /// <summary>Both codes are right, follow each other, and are used up; the drift is known.</summary>
    Synced,
    /// <summary>The two codes are the same one.</summary>
    SameCode,
    /// <summary>The first code was used already, or one older than the last that was.</summary>
    Used,
    /// <summary>No two consecutive steps inside the resync window have these codes.</summary>
    Wrong,
}

/// <summary>The verdict on two codes.</summary>
/// <param name="Outcome">What became of them.</param>
/// <param name="Drift">With <see cref="ResyncOutcome.Synced"/>: how many steps the token is ahead (behind when negative).</param>
/// <param name="Memory">With <see cref="ResyncOutcome.Synced"/>: the writes that must be durable before anybody is told; else none.</param>
public readonly record struct ResyncVerdict(ResyncOutcome Outcome, int Drift, IReadOnlyList<StateWrite> Memory);

/// <summary>Where a token is.</summary>
/// <param name="Running">The unit's own step.</param>
/// <param name="Own">The token's step, as far as its drift is known.</param>
/// <param name="LastStep">The greatest step whose code was accepted; -1 when none was.</param>
/// <param name="Memory">What the core remembers of it; null when nothing. The core's own: nobody else looks into it.</param>
internal readonly record struct TokenPlace(long Running, long Own, long LastStep, TokenMemory? Memory);

/// <summary>What the core remembers of a token, once a code of it was accepted or its drift was told.</summary>
internal sealed class TokenMemory
{
    /// <summary>The greatest step whose code was accepted; -1 when none was.</summary>
    internal long LastStep { get; set; }

    /// <summary>The appliance's own step when that was.</summary>
    internal long AcceptedStep { get; set; }

    /// <summary>How many steps the token is ahead.</summary>
    internal int Drift { get; set; }
}

/// <summary>What a code is, of a token at a place.</summary>
/// <param name="At">The place.</param>
/// <param name="Value">The code's number; null when it cannot be a code of the token.</param>
/// <param name="Step">The step that it is the code of, and that was not used; null when there is none.</param>
/// <param name="WasUsed">True when it is the code of a step that was used.</param>
internal readonly record struct CodeMatch(TokenPlace At, int? Value, long? Step, bool WasUsed);

/// <summary>
/// The token core: decides whether a code is right, and sees that it works once, by whichever way it comes. One for the whole unit.
/// Synchronous; the caller gives the time and serializes the calls (the login service does).
/// </summary>
/// <remarks>
/// Steps are those of RFC 6238: whole time steps since 1970. A token's clock is taken to be <c>drift</c> steps ahead of ours; a code
/// of one step either way of that is accepted and teaches the drift. The greatest step whose code was accepted is remembered by the seed's
/// identity for ever: no code of that step or an older one is accepted again, whatever the drift, a resynchronization or the clock
/// say. Window and resync window are *assumed*: the vendor's are not public (60 minutes is the sibling product's default).
/// </remarks>
public sealed class TokenCore
{
    /// <summary>The newest uses: identity, step, and the appliance's own step.</summary>
    private static readonly StateLog UseLog = new("token_use_log");

    /// <summary>
    /// The tables of used steps. <c>accepted_step</c> is the appliance's own step at that moment, for the record. The newest uses are rows at
    /// the end of a log: to find each token's own row anew would touch a page of the disk for every login. Now and then the table is written anew
    /// from memory, which knows of every use, and the log is emptied.
    /// </summary>
    public static readonly string UseTable = "CREATE TABLE IF NOT EXISTS token_use (identity TEXT PRIMARY KEY, last_step INTEGER NOT NULL, accepted_step INTEGER NOT NULL) WITHOUT ROWID;"
        + UseLog.Table;

    /// <summary>The table of drifts, in steps.</summary>
    public const string DriftTable = "CREATE TABLE IF NOT EXISTS token_drift (identity TEXT PRIMARY KEY, drift INTEGER NOT NULL)";

    /// <summary>How far a token's clock may be off at all.</summary>
    public static readonly TimeSpan ResyncWindow = TimeSpan.FromMinutes(60);

    /// <summary>Steps either way of the token's own in which a code is accepted, nearest first.</summary>
    public static ReadOnlySpan<int> Window => [0, -1, 1];

    /// <summary>How many uses the log may get: so many, or <see cref="UsesPerToken"/> for each token that was ever used, whichever is more.</summary>
    internal const int LogMax = 16_384;

    /// <summary>The table is as long as there are tokens: to write it must cost each use little.</summary>
    private const int UsesPerToken = 8;

    private const string FoldSql = "INSERT INTO token_use (identity, last_step, accepted_step) VALUES ($0,$1,$2) "
        + "ON CONFLICT(identity) DO UPDATE SET last_step=max(last_step, excluded.last_step), accepted_step=max(accepted_step, excluded.accepted_step)";

    private readonly Dictionary<string, TokenMemory> _memory = new(StringComparer.Ordinal);
    private int _logged;

    /// <summary>A core that remembers what the database remembers.</summary>
    public TokenCore(StateDatabase state)
    {
        var drifts = state.Read("SELECT identity, drift FROM token_drift", row => (Identity: row.GetString(0), Drift: row.GetInt32(1))).ToDictionary(row => row.Identity, row => row.Drift, StringComparer.Ordinal);
        foreach (var (identity, lastStep, acceptedStep) in Uses(state, out _logged))
        {
            _memory.Add(identity, new TokenMemory { LastStep = lastStep, AcceptedStep = acceptedStep, Drift = drifts.GetValueOrDefault(identity) });
        }
        foreach (var (identity, drift) in drifts)
        {
            _memory.TryAdd(identity, Unused(drift));
        }
    }

    /// <summary>A core that remembers nothing; for tests of the rules.</summary>
    public TokenCore() { }

    /// <summary>The greatest used step of each token, by its identity, as the database remembers them. For start-up only.</summary>
    public static IReadOnlyList<(string Identity, long LastStep)> LastSteps(StateDatabase state) => [.. Uses(state, out _).Select(use => (use.Identity, use.LastStep))];

    /// <summary>Checks a code, and uses it up when it is right.</summary>
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
            // Only while the token shows a used code can waiting for its next one help. After a step back of the clock it cannot.
            return own == lastStep || running == lastStep ? new(CodeOutcome.Wait, Rest(seed, now), []) { Replayed = true } : Verdict(CodeOutcome.Wrong) with { Replayed = true };
        }
        return Verdict(Nearest(seed, running, own).Any(step => step > lastStep && seed.IsCode(value, step)) ? CodeOutcome.NextCodeWanted : CodeOutcome.Wrong);
    }

    /// <summary>Where a token is now: what <see cref="Match"/> needs of the core.</summary>
    internal TokenPlace Look(TokenSeed seed, DateTimeOffset now) => Place(seed, Find(seed), now);

    /// <summary>
    /// Compares a code with those that the token may show. Needs nothing of the core, so that it can be done outside of its lock. Whoever
    /// offers a right code is told sooner than who does not, which is no more than the answer itself tells.
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

    /// <summary>Uses up the step that a code was found to be of; false when it is of none. A token that has moved on since it was looked at is compared again.</summary>
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
    /// Two codes that a token showed one after the other prove it, and tell how far its clock is off. Both must be younger than every code
    /// that was ever accepted, and different.
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
    /// Takes over a drift that was established elsewhere (RFC 6030, TimeDrift). A drift that this unit learned from a code is newer, and stays.
    /// </summary>
    /// <param name="seed">The token's seed.</param>
    /// <param name="drift">How many steps the token is ahead; negative when it is behind.</param>
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

    /// <summary>The rest of the running step while the token shows a code that was used, so that no further one can be accepted; else null.</summary>
    public TimeSpan? WaitFor(TokenSeed seed, DateTimeOffset now)
    {
        var at = Look(seed, now);
        return at.Own == at.LastStep ? Rest(seed, now) : null;
    }

    /// <summary>How many steps the token is ahead of the appliance (behind when negative), as last learned.</summary>
    public int DriftOf(TokenSeed seed) => Find(seed)?.Drift ?? 0;

    /// <summary>What the core remembers of a token; null when no code of it was ever accepted and no drift was told.</summary>
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

    private static TokenMemory Unused(int drift) => new() { LastStep = -1, AcceptedStep = -1, Drift = drift };

    private static StateWrite DriftWrite(TokenSeed seed, int drift) =>
        new("INSERT INTO token_drift (identity, drift) VALUES ($0,$1) ON CONFLICT(identity) DO UPDATE SET drift=excluded.drift", seed.Identity, (long)drift);

    /// <summary>
    /// All of memory goes into the table, whatever is in the log: so nothing is missing either when an earlier time failed. What was used and is not
    /// durable yet may be among it, which only refuses a code that nobody was let in by.
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

    /// <summary>Table and log together.</summary>
    /// <param name="state">The database.</param>
    /// <param name="logged">How many uses are in the log.</param>
    private static IEnumerable<(string Identity, long LastStep, long AcceptedStep)> Uses(StateDatabase state, out int logged)
    {
        var uses = state.Read("SELECT identity, last_step, accepted_step FROM token_use", row => (Identity: row.GetString(0), Last: row.GetInt64(1), Accepted: row.GetInt64(2)))
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

    /// <summary>The steps of the resync window, those nearest to the token's own first.</summary>
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

    private static bool IsInReach(TokenSeed seed, long step, long running) => Math.Abs(step - running) <= ResyncWindow.Ticks / seed.Step.Ticks;

    /// <summary>The place of a token of which this is remembered. Outside of the core's serialization it may be of two moments: <see cref="UseUp"/> looks again.</summary>
    internal static TokenPlace Place(TokenSeed seed, TokenMemory? memory, DateTimeOffset now)
    {
        var running = Step(seed, now);
        return new(running, running + (memory?.Drift ?? 0), memory?.LastStep ?? -1, memory);
    }

    private static long Step(TokenSeed seed, DateTimeOffset now) => (now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / seed.Step.Ticks;

    private static TimeSpan Rest(TokenSeed seed, DateTimeOffset now) => seed.Step - TimeSpan.FromTicks((now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) % seed.Step.Ticks);
}
