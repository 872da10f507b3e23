using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Messages;
using Appliance.Tool;

namespace Appliance.Bench.Soak;

/// <summary>The result of a soak.</summary>
/// <param name="Seconds">The time in which logins began, in seconds.</param>
/// <param name="Rate">The logins a second.</param>
/// <param name="Push">The transport of the pushes.</param>
/// <param name="Logins">The number of logins.</param>
/// <param name="Approved">With their cookie.</param>
/// <param name="Denied">The logins that the phone denied.</param>
/// <param name="ByFault">The logins with another end, each explained by its own fault.</param>
/// <param name="Slow">Otherwise, while the machine was slow.</param>
/// <param name="Faults">The number of logins that each fault explains.</param>
/// <param name="Unexplained">The first ten logins without an explanation.</param>
/// <param name="UnexplainedCount">The number of logins without an explanation.</param>
/// <param name="Errors">The errors that the lab's process reported itself.</param>
/// <param name="Slopes">The growth of its resources over the last two thirds of the time. Not evaluated on a slow machine, where logins
/// overlap.</param>
/// <param name="CpuMilliseconds">Processor time of the lab's process for one login, its phones included.</param>
/// <param name="Verdict"><c>ok</c>, the fault, or <c>inconclusive: …</c> if the slow machine ended more than half of the logins.</param>
internal sealed record SoakReport(
    double Seconds,
    double Rate,
    string Push,
    int Logins,
    int Approved,
    int Denied,
    int ByFault,
    int Slow,
    IReadOnlyDictionary<string, int> Faults,
    IReadOnlyList<string> Unexplained,
    int UnexplainedCount,
    IReadOnlyList<string> Errors,
    IReadOnlyList<SoakSlope> Slopes,
    double CpuMilliseconds,
    string Verdict
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SoakReport))]
internal sealed partial class SoakJson : JsonSerializerContext;

/// <summary>
/// <c>soak</c>: push logins at a rate against a separate lab, with faults. Reports the end of each login, and whether the lab's process
/// grew.
/// </summary>
internal static class SoakVerb
{
    /// <summary>The shortest run whose memory is evaluated. In a shorter one, journal and event log are still filling up.</summary>
    private static readonly TimeSpan MemoryFrom = TimeSpan.FromMinutes(3);
    private const double MiB = 1024 * 1024;
    private const int Looks = 60;
    private const string Inconclusive = "inconclusive";

    public static Command Create()
    {
        var minutes = Positive("--minutes", 10, "How long logins begin; under 3 nothing is said of memory");
        var rate = Positive("--rate", 50, "Logins a second");
        var push = new Option<string>("--push")
        {
            Description = "How pushes go: straight to the phones, or by proxy, providers and broker",
            HelpName = "direct|full",
            DefaultValueFactory = _ => "direct",
        };
        push.AcceptOnlyFromAmong("direct", "full");
        var json = new Option<bool>("--json") { Description = "JSON on stdout" };
        var command = new Command(
            "soak",
            "Push logins with faults against a separate lab process: every end accounted for, memory and handles monitored.\n\nExample: run soak --minutes 10 --rate 50 --json"
        )
        {
            minutes,
            rate,
            push,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
                RunAsync(
                    TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                    parsed.GetValue(rate),
                    parsed.GetValue(push) == "full",
                    parsed.GetValue(json),
                    cancellationToken
                )
        );
        return command;
    }

    private static Option<double> Positive(string name, double usual, string description)
    {
        var option = new Option<double>(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => usual,
        };
        option.Validators.Add(result =>
        {
            if (
                double.TryParse(result.Tokens.SingleOrDefault()?.Value, CultureInfo.InvariantCulture, out var given)
                && given is not (> 0 and <= 10_000)
            )
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} must be above 0 and at most 10000, not {given}"));
            }
        });
        return option;
    }

    private static async Task<int> RunAsync(TimeSpan duration, double rate, bool full, bool json, CancellationToken cancellationToken)
    {
        var report = await MeasureAsync(duration, rate, full, cancellationToken);
        Console.WriteLine(json ? JsonSerializer.Serialize(report, SoakJson.Default.SoakReport) : Text(report));
        return report.Verdict == "ok" ? ExitCode.Ok
            : report.Verdict.StartsWith(Inconclusive, StringComparison.Ordinal) ? ExitCode.TimedOut
            : ExitCode.AssertionFailed;
    }

    private static async Task<SoakReport> MeasureAsync(TimeSpan duration, double rate, bool full, CancellationToken cancellationToken)
    {
        var users = (int)Math.Ceiling(rate * Math.Min(SoakPlan.Turn.TotalSeconds, duration.TotalSeconds + 1));
        await using var lab = await SoakLab.StartAsync(users, full, cancellationToken);
        var probe = new SoakProbe(lab.Api);
        var logins = new SoakLogins(lab.Vpn, lab.Api, users, probe);
        var looks = new List<(TimeSpan At, ProcessJson Process)>();
        var began = LabClock.Wall.GetTimestamp();
        var before = await lab.LookAsync();
        var running = logins.RunAsync(duration, rate, cancellationToken);
        while (!running.IsCompleted && LabClock.Wall.GetElapsedTime(began) < duration)
        {
            await Task.Delay(duration / Looks, LabClock.Wall, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            looks.Add((LabClock.Wall.GetElapsedTime(began), await lab.LookAsync()));
            await Console.Error.WriteLineAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{looks[^1].At.TotalSeconds,5:0} s: {looks[^1].Process.RssBytes / MiB:0} MiB resident, {looks[^1].Process.HeapBytes / MiB:0.0} MiB heap, {looks[^1].Process.Handles} handles, {looks[^1].Process.Threads} threads"
                )
            );
        }
        await running;
        var after = await lab.LookAsync();
        var errors = await lab.StopAsync();
        var account = logins.Account();
        var ends = account.CountBy(login => login.End).ToDictionary();
        int Count(SoakEnd end) => ends.GetValueOrDefault(end);
        SoakSlope[] slopes = looks.Count < 6 ? [] : [.. SlopesOf([.. looks.Skip(looks.Count / 3)], duration >= MemoryFrom)];
        string[] wrong =
        [
            .. slopes.Where(slope => !slope.Flat && !probe.WasSlow).Select(slope => $"{slope.What} grew"),
            .. Count(SoakEnd.Unexplained) > 0 ? [$"{Count(SoakEnd.Unexplained)} logins without an explanation"] : Array.Empty<string>(),
            .. errors.Count > 0 ? [$"{errors.Count} errors of the lab's own"] : Array.Empty<string>(),
            .. Count(SoakEnd.Approved) == 0 && Count(SoakEnd.Slow) == 0 ? ["no login was approved"] : Array.Empty<string>(),
        ];
        var verdict =
            wrong.Length > 0 ? string.Join("; ", wrong)
            : 2 * Count(SoakEnd.Slow) > account.Count
                ? $"{Inconclusive}: the slow machine ended {Count(SoakEnd.Slow)} of {account.Count} logins"
            : "ok";
        return new SoakReport(
            duration.TotalSeconds,
            rate,
            full ? "full" : "direct",
            account.Count,
            Count(SoakEnd.Approved),
            Count(SoakEnd.Denied),
            Count(SoakEnd.ByFault),
            Count(SoakEnd.Slow),
            account
                .Where(login => login.End == SoakEnd.ByFault)
                .CountBy(login => login.Fault)
                .OrderBy(fault => fault.Key, StringComparer.Ordinal)
                .ToDictionary(),
            [.. account.Where(login => login.End == SoakEnd.Unexplained).Take(10).Select(login => $"{login.User}: {login.Result}")],
            Count(SoakEnd.Unexplained),
            errors,
            slopes,
            Math.Round((after.CpuSeconds - before.CpuSeconds) * 1000 / Math.Max(1, account.Count), 2),
            verdict
        );
    }

    /// <summary>
    /// The slopes. Flat means that the resources at the end exceed those at the beginning by no more than a share and a constant, the
    /// normal variation of a busy process.
    /// </summary>
    private static IEnumerable<SoakSlope> SlopesOf(IReadOnlyList<(TimeSpan At, ProcessJson Process)> looks, bool memory)
    {
        IReadOnlyList<(TimeSpan, double)> Values(Func<ProcessJson, double> value) =>
            [.. looks.Select(look => (look.At, value(look.Process)))];
        if (memory)
        {
            yield return SoakSlope.Of("resident bytes", Values(process => process.RssBytes), 0.05, 16 * MiB);
            yield return SoakSlope.Of("heap bytes", Values(process => process.HeapBytes), 0.05, 4 * MiB);
        }
        yield return SoakSlope.Of("handles", Values(process => process.Handles), 0.10, 20);
        yield return SoakSlope.Of("threads", Values(process => process.Threads), 0.10, 8);
    }

    private static string Text(SoakReport report)
    {
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{report.Logins} logins in {report.Seconds:0} s ({report.Rate}/s, push {report.Push}): {report.Approved} approved, {report.Denied} denied, {report.ByFault} ended by a fault, {report.Slow} by the slow machine, {report.UnexplainedCount} unexplained; {report.CpuMilliseconds} ms of processor each"
        );
        text.AppendLine(
            "faults: "
                + string.Join(
                    ", ",
                    report.Faults.Select(fault => string.Create(CultureInfo.InvariantCulture, $"{fault.Key} {fault.Value}"))
                )
        );
        foreach (var slope in report.Slopes)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{slope.What}: {slope.First:0} -> {slope.Last:0} ({slope.PerHour:+0;-0;0}/h; flat up to +{slope.Allowed:0}): {(slope.Flat ? "flat" : "GREW")}"
            );
        }
        foreach (var line in report.Unexplained.Concat(report.Errors.Take(10)))
        {
            text.AppendLine(line);
        }
        return text.Append(CultureInfo.InvariantCulture, $"verdict: {report.Verdict}").ToString();
    }
}
