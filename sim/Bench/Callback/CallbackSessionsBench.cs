using System.Net;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Tokens;

namespace Appliance.Bench.Callback;

/// <summary>The cost of pending pushes: the memory of each, and finding one among few and among many.</summary>
internal static class CallbackSessionsBench
{
    private const int Few = 1000;
    private const int LookUps = 200_000;
    private const int Runs = 5;
    private const int MemoryInts = 16 << 20;
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);

    internal static CallbackSessions Measure(int count, double callbackMicroseconds)
    {
        var (few, fewIds, _) = Open(Math.Min(Few, count));
        var (all, allIds, bytes) = Open(count);
        List<double> atFew = [];
        List<double> atAll = [];
        for (var run = 0; run <= Runs; run++)
        {
            var (first, second) = (Nanoseconds(few, fewIds), Nanoseconds(all, allIds));
            if (run > 0)
            {
                atFew.Add(first);
                atAll.Add(second);
            }
        }
        var (thousand, million) = (CallbackBench.Middle(atFew), CallbackBench.Middle(atAll));
        GC.KeepAlive(all);
        return new CallbackSessions(
            count,
            Math.Round(bytes),
            Math.Round(thousand, 1),
            Math.Round(million, 1),
            Math.Round(NanosecondsOfMemory(), 1),
            Math.Round((callbackMicroseconds + ((million - thousand) / 1000)) / callbackMicroseconds, 2)
        );
    }

    /// <returns>The ids of all that are looked up, in one buffer as a connection has them, so that the time to find the ids themselves is
    /// not measured.</returns>
    private static (PushSessions Sessions, byte[] Ids, double BytesEach) Open(int count)
    {
        var token = new Token("FTKMOB0000000001", null, false, "phone", "");
        var random = new Random(1);
        var wanted = new byte[Math.Min(count, LookUps)][];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var sessions = new PushSessions();
        for (var number = 0; number < count; number++)
        {
            var id = PushSessionId.New();
            // As long as the request ids of a unit, with a separate address, as each connection has.
            sessions.Open(
                id,
                new PushOrder(
                    $"{number:00000000000000000000000000000}",
                    "user",
                    token,
                    new IPAddress([192, 0, 2, 1]),
                    Now,
                    Now.AddSeconds(60),
                    number
                )
            );
            if (number < wanted.Length)
            {
                wanted[number] = Encoding.ASCII.GetBytes(id.ToString());
            }
            else if (random.Next(number) is var at && at < wanted.Length)
            {
                Encoding.ASCII.GetBytes(id.ToString(), wanted[at]);
            }
        }
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before - (wanted.Length * (24L + PushSessionId.Digits));
        random.Shuffle(wanted);
        return (sessions, [.. Enumerable.Range(0, LookUps).SelectMany(number => wanted[number % wanted.Length])], (double)bytes / count);
    }

    /// <summary>From one place to the next that it names, all over an array that is larger than any cache.</summary>
    private static double NanosecondsOfMemory()
    {
        var random = new Random(1);
        var next = new int[MemoryInts];
        for (var at = 0; at < next.Length; at++)
        {
            next[at] = at;
        }
        // Sattolo's shuffle: one cycle through all.
        for (var at = next.Length - 1; at > 0; at--)
        {
            var other = random.Next(at);
            (next[at], next[other]) = (next[other], next[at]);
        }
        var (place, began) = (0, LabClock.Wall.GetTimestamp());
        for (var step = 0; step < LookUps; step++)
        {
            place = next[place];
        }
        var took = LabClock.Wall.GetElapsedTime(began).TotalNanoseconds / LookUps;
        return place >= 0 ? took : throw new InvalidOperationException("an array names no place before its first");
    }

    private static double Nanoseconds(PushSessions sessions, ReadOnlySpan<byte> ids)
    {
        var found = 0;
        var began = LabClock.Wall.GetTimestamp();
        for (var index = 0; index < LookUps; index++)
        {
            // A look-up without a decision, which is not counted as a wrong answer either: the session stays.
            found +=
                PushSessionId.Parse(ids.Slice(index * PushSessionId.Digits, PushSessionId.Digits)) is { } id
                && sessions.Find(id, Now) is not null
                    ? 1
                    : 0;
        }
        var took = LabClock.Wall.GetElapsedTime(began).TotalNanoseconds / LookUps;
        return found == LookUps ? took : throw new InvalidOperationException($"{found} of {LookUps} sessions were found");
    }
}
