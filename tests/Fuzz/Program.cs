using System.Globalization;
using Appliance.Tests.Fuzz;
using SharpFuzz;

const int MapSize = 65_536;

// tests/Fuzz/run is how people call this; see there.
switch (args)
{
    case ["list"]:
        foreach (var target in FuzzTargets.All)
        {
            Console.WriteLine($"{target.Name,-20} {target.Promise}");
        }
        return 0;
    case ["names"]:
        Console.WriteLine(string.Join('\n', FuzzTargets.All.Select(target => target.Name)));
        return 0;
    case ["replay", var name, .. var files] when FuzzTargets.Find(name) is { } target:
        return Replay(target, files);
    case ["mutate", var name, var count, var seed] when FuzzTargets.Find(name) is { } target:
        return Mutate(target, int.Parse(count, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture));
    case ["afl", var name] when FuzzTargets.Find(name) is { } target:
        Afl(target);
        return 0;
    default:
        Console.Error.WriteLine("usage: list | names | replay TARGET FILE... | mutate TARGET COUNT SEED | afl TARGET (under afl-fuzz)");
        return 2;
}

static int Replay(FuzzTarget target, string[] files)
{
    var check = new FuzzCheck(target);
    var broken = 0;
    foreach (var file in files)
    {
        try
        {
            check.Run(File.ReadAllBytes(file));
            Console.WriteLine($"kept     {file}");
        }
        catch (PromiseBroken promise)
        {
            broken++;
            Console.WriteLine($"BROKEN   {file}\n{promise}");
        }
    }
    return broken == 0 ? 0 : 1;
}

static int Mutate(FuzzTarget target, int count, int seed)
{
    var check = new FuzzCheck(target);
    var mutator = new Mutator([.. Corpus.Of(target).Select(input => input.Input)], seed, target.LengthMax);
    for (var number = 0; number < count; number++)
    {
        var input = mutator.Next();
        try
        {
            check.Run(input);
        }
        catch (PromiseBroken promise)
        {
            var file = Path.Combine(Path.GetTempPath(), $"fuzz-{target.Name}-{seed}-{number}");
            File.WriteAllBytes(file, input);
            Console.WriteLine($"BROKEN   {file}\n{promise}");
            return 1;
        }
    }
    Console.WriteLine($"{target.Name}: {count} inputs, promise kept");
    return 0;
}

static unsafe void Afl(FuzzTarget target)
{
    // Instrumented code writes there from its first line on; SharpFuzz puts AFL++'s own map in its place.
    SharpFuzz.Common.Trace.SharedMem = (byte*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(MapSize);
    var check = new FuzzCheck(target);
    // Compiled and warm before coverage and time are measured.
    IReadOnlyList<byte[]> seeds = [.. Corpus.Of(target).Select(seed => seed.Input)];
    foreach (var input in seeds)
    {
        try
        {
            check.Run(input);
        }
        catch (PromiseBroken)
        {
            // AFL++ gets it as a seed and reports it.
        }
    }
    // SharpFuzz reads its first input (and runs it twice) after it has reported its start, before AFL++ may have written the input. An
    // empty read
    // runs nothing, and a first input without a trace ends AFL++ ("No instrumentation detected"). Therefore it gets a seed.
    const int EarlyRuns = 2;
    var (buffer, runs) = (new MemoryStream(), 0);
    Fuzzer.Run(stream =>
    {
        buffer.SetLength(0);
        stream.CopyTo(buffer);
        check.Run(++runs <= EarlyRuns && buffer.Length == 0 ? seeds[0] : buffer.ToArray());
    });
}
