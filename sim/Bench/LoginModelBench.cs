using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Bench.Models;
using Appliance.Doubles.Failures;

namespace Appliance.Bench;

/// <summary>The counts of many runs of the login model. They exist only if no rule was broken.</summary>
internal sealed record LoginModelFigures(
    string Bench,
    int FirstSeed,
    int Runs,
    long Operations,
    long Logins,
    long CodesAccepted,
    long PushesAccepted,
    long Resyncs,
    long Crashes,
    long Waits
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(LoginModelFigures))]
internal sealed partial class LoginModelBenchJson : JsonSerializerContext;

/// <summary>
/// <c>bench login-model</c>: a million random operations on the login core against a naive model. <c>--seed N</c> repeats one run.
/// </summary>
internal static class LoginModelBench
{
    internal const int OperationsPerRun = 5_000;
    private const int Runs = 200;

    public static Task<string> RunAsync(bool json, CancellationToken cancellationToken) => RunAsync(1, Runs, json, cancellationToken);

    public static Task<string> RepeatAsync(int seed, bool json, CancellationToken cancellationToken) =>
        RunAsync(seed, 1, json, cancellationToken);

    private static async Task<string> RunAsync(int firstSeed, int count, bool json, CancellationToken cancellationToken)
    {
        var world = LoginWorld.Make();
        var runs = new List<LoginModelRun>(count);
        for (var seed = firstSeed; seed < firstSeed + count; seed++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                runs.Add(await LoginModel.RunAsync(seed, OperationsPerRun, world.Fresh()));
            }
            catch (LoginModelException broken)
            {
                throw new LabFailure(FailureKind.AssertionFailed, broken.Message, broken);
            }
        }
        long Sum(Func<LoginModelRun, int> of) => runs.Sum(run => (long)of(run));
        var figures = new LoginModelFigures(
            "login-model",
            firstSeed,
            count,
            Sum(run => run.Operations),
            Sum(run => run.Logins),
            Sum(run => run.CodesAccepted),
            Sum(run => run.PushesAccepted),
            Sum(run => run.Resyncs),
            Sum(run => run.Crashes),
            Sum(run => run.Waits)
        );
        return json
            ? JsonSerializer.Serialize(figures, LoginModelBenchJson.Default.LoginModelFigures)
            : $"login-model: {figures.Operations:N0} operations from seed {firstSeed}: {figures.Logins:N0} logins, {figures.CodesAccepted:N0} codes and {figures.PushesAccepted:N0} pushes accepted, {figures.Resyncs:N0} resynchronizations, {figures.Waits:N0} waits, {figures.Crashes:N0} crashes; no double, cross-session or late accept";
    }
}
