using System.Net;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login.Limits;

/// <summary>
/// Limits guesses at one factor (RFC 4226 7.3). After five wrong codes in a row, the next code is evaluated only after a wait, which
/// doubles with every further wrong code. Synchronous: the caller serializes, and makes the writes durable before it answers.
/// </summary>
/// <remarks>
/// Other clients must not lock out the legitimate user. So there is a separate count for every source that once proved this factor. Guesses
/// from elsewhere fill another count, shared by all sources that never proved it. A proof from a new source makes that source known. It
/// requires that the wait is over, or the phone's approval of a push, which is not subject to the wait. A success clears only the count
/// that it belongs to: logins from known sources give a guesser elsewhere no fresh tries.
/// </remarks>
public sealed class CodeGuessThrottle
{
    /// <summary>
    /// The SQL that creates the table of counts. Source "" is shared by all sources that never proved the factor. A row with another source
    /// is also the proof.
    /// </summary>
    public const string Table =
        "CREATE TABLE IF NOT EXISTS factor_guess (factor TEXT NOT NULL, source TEXT NOT NULL, failures INTEGER NOT NULL, "
        + "until INTEGER NOT NULL, proved INTEGER NOT NULL, PRIMARY KEY (factor, source))";

    /// <summary>The number of wrong codes in a row before the first wait.</summary>
    public const int FreeFailures = 5;

    /// <summary>The wait after the fifth wrong code. Each further wrong code doubles it.</summary>
    public static readonly TimeSpan FirstWait = TimeSpan.FromMinutes(1);

    /// <summary>The upper bound of the wait.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    /// <summary>
    /// The maximum number of known sources of one factor. Beyond it, the source that proved it least recently is removed.
    /// </summary>
    private const int KnownSourcesMax = 16;
    private const string Others = "";

    private readonly Dictionary<string, Dictionary<string, Count>> _factors = new(StringComparer.Ordinal);

    /// <summary>True if this source once proved this factor.</summary>
    public bool IsKnown(string factor, IPAddress source) =>
        _factors.TryGetValue(factor, out var counts) && counts.ContainsKey(source.ToString());

    /// <summary>Returns the time during which no code from this source is evaluated; null if codes are evaluated now.</summary>
    public TimeSpan? WaitFor(string factor, IPAddress source, DateTimeOffset now)
    {
        if (
            !_factors.TryGetValue(factor, out var counts)
            || !counts.TryGetValue(Bucket(counts, source), out var count)
            || count.Until <= now
        )
        {
            return null;
        }
        var rest = count.Until - now;
        // A clock that was set back must not lengthen the wait.
        return rest < WaitAfter(count.Failures) ? rest : WaitAfter(count.Failures);
    }

    /// <summary>Counts a wrong code. Returns the wait that follows; zero if there is none yet.</summary>
    public TimeSpan Fail(string factor, IPAddress source, DateTimeOffset now, List<StateWrite> memory)
    {
        var counts = Of(factor);
        var bucket = Bucket(counts, source);
        var count = counts.GetValueOrDefault(bucket);
        var failures = count.Failures + 1;
        var wait = WaitAfter(failures);
        Put(factor, counts, bucket, count with { Failures = failures, Until = now + wait }, memory);
        return wait;
    }

    /// <summary>
    /// Records that the factor was proved from this source: clears the count that applied to it and makes the source known.
    /// </summary>
    public void Prove(string factor, IPAddress source, DateTimeOffset now, List<StateWrite> memory)
    {
        var counts = Of(factor);
        if (!counts.TryGetValue(source.ToString(), out var known))
        {
            if (counts.Count(pair => pair.Key != Others) >= KnownSourcesMax)
            {
                var oldest = counts.Where(pair => pair.Key != Others).MinBy(pair => pair.Value.Proved).Key;
                counts.Remove(oldest);
                memory.Add(new StateWrite("DELETE FROM factor_guess WHERE factor=$0 AND source=$1", factor, oldest));
            }
            if (counts.ContainsKey(Others))
            {
                Put(factor, counts, Others, default, memory);
            }
        }
        else if (known.Failures == 0)
        {
            return; // Known, with no failures to clear: the usual login costs no write.
        }
        Put(factor, counts, source.ToString(), new Count(0, now, now), memory);
    }

    /// <summary>Clears every count of the factor after an operator proved the token (<c>execute fortitoken sync</c>).</summary>
    public void ForgiveAll(string factor, List<StateWrite> memory)
    {
        if (!_factors.TryGetValue(factor, out var counts))
        {
            return;
        }
        foreach (var (source, count) in counts.ToArray())
        {
            Put(factor, counts, source, count with { Failures = 0, Until = default }, memory);
        }
    }

    /// <summary>Returns the wait after this many wrong codes in a row.</summary>
    public static TimeSpan WaitAfter(int failures)
    {
        if (failures < FreeFailures)
        {
            return TimeSpan.Zero;
        }
        var doublings = Math.Min(failures - FreeFailures, 30);
        var wait = FirstWait.Ticks << doublings;
        return wait < LongestWait.Ticks ? new TimeSpan(wait) : LongestWait;
    }

    /// <summary>Loads the stored counts from the database. For start-up only.</summary>
    internal void Load(StateDatabase state)
    {
        foreach (
            var (factor, source, count) in state.Read(
                "SELECT factor, source, failures, until, proved FROM factor_guess",
                row =>
                    (
                        row.GetString(0),
                        row.GetString(1),
                        new Count(
                            row.GetInt32(2),
                            new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero),
                            new DateTimeOffset(row.GetInt64(4), TimeSpan.Zero)
                        )
                    )
            )
        )
        {
            Of(factor)[source] = count;
        }
    }

    private static string Bucket(Dictionary<string, Count> counts, IPAddress source) =>
        source.ToString() is var known && counts.ContainsKey(known) ? known : Others;

    private static void Put(string factor, Dictionary<string, Count> counts, string bucket, Count count, List<StateWrite> memory)
    {
        counts[bucket] = count;
        memory.Add(
            new StateWrite(
                "INSERT INTO factor_guess (factor, source, failures, until, proved) VALUES ($0,$1,$2,$3,$4) ON CONFLICT(factor, source) "
                    + "DO UPDATE SET failures=excluded.failures, until=excluded.until, proved=excluded.proved",
                factor,
                bucket,
                (long)count.Failures,
                count.Until.UtcTicks,
                count.Proved.UtcTicks
            )
        );
    }

    private Dictionary<string, Count> Of(string factor)
    {
        if (!_factors.TryGetValue(factor, out var counts))
        {
            _factors.Add(factor, counts = new Dictionary<string, Count>(StringComparer.Ordinal));
        }
        return counts;
    }

    private readonly record struct Count(int Failures, DateTimeOffset Until, DateTimeOffset Proved);
}
