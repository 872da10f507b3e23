using Xunit;

namespace Appliance.Tests.Fuzz;

/// <summary>Every reader of bytes from outside keeps its promise: on its corpus, and on some thousand inputs made from that.</summary>
public sealed class FuzzTests
{
    private const int Mutations = 1000;

    /// <summary>The fixed seed. A new seed each day would find more; a fixed one gives every run the same result.</summary>
    private const int Seed = 20;

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void KeepsItsPromise(string name)
    {
        var target = FuzzTargets.Find(name)!;
        var corpus = Corpus.Of(target);
        Assert.NotEmpty(corpus);
        var check = new FuzzCheck(target);
        foreach (var (file, input) in corpus)
        {
            Keeps(check, input, file);
        }
        var mutator = new Mutator([.. corpus.Select(entry => entry.Input)], Seed, target.LengthMax);
        for (var number = 0; number < Mutations; number++)
        {
            Keeps(check, mutator.Next(), $"mutation {number}");
        }
    }

    [Fact]
    public void ABrokenPromiseIsTold()
    {
        Assert.Contains("FormatException", Broken(new("x", "", () => _ => throw new FormatException("no"))), StringComparison.Ordinal);
        Assert.Contains("bytes allocated", Broken(new("x", "", () => _ => GC.KeepAlive(new byte[200_000]))), StringComparison.Ordinal);
        Assert.Contains(
            " ms of processor for ",
            Broken(new("x", "", () => _ => Spin(TimeSpan.FromMilliseconds(120)))),
            StringComparison.Ordinal
        );
    }

    private static void Spin(TimeSpan time)
    {
        var began = FuzzCheck.ThreadTime();
        while (FuzzCheck.ThreadTime() - began < time)
        {
            Thread.SpinWait(1000);
        }
    }

    private static string Broken(FuzzTarget target) => Assert.Throws<PromiseBroken>(() => new FuzzCheck(target).Run([1])).Message;

    private static void Keeps(FuzzCheck check, byte[] input, string what)
    {
        try
        {
            check.Run(input);
        }
        catch (PromiseBroken broken)
        {
            Assert.Fail($"{what}: {broken}\n{Convert.ToBase64String(input)}");
        }
    }
}
