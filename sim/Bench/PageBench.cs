using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Events;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Appliance.Lab.Page;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Bench;

/// <summary>The performance of the page in a busy lab, in Chromium.</summary>
/// <param name="Bench">Its name.</param>
/// <param name="FirstPaintMilliseconds">From navigation to the first paint of content, nothing cached; the median.</param>
/// <param name="Seconds">The time for which events came, in seconds.</param>
/// <param name="EventsPerSecond">The rate of events.</param>
/// <param name="Written">Events that the unit wrote.</param>
/// <param name="Received">The events that the page received, each once.</param>
/// <param name="LongTasks">Tasks of the page's main thread of 50 ms or more.</param>
/// <param name="LongTaskMillisecondsP99">Of those; 0 without any.</param>
/// <param name="LongTaskMillisecondsMax">The longest one; 0 without any.</param>
/// <param name="HeapFullMiB">The page's heap, collected, when it had as many events as it keeps (or at the half, in a short run).</param>
/// <param name="HeapEndMiB">The same at the end.</param>
/// <param name="FramesPerSecond">Frames that the page drew.</param>
internal sealed record PageFigures(
    string Bench,
    double FirstPaintMilliseconds,
    int Seconds,
    int EventsPerSecond,
    long Written,
    long Received,
    int LongTasks,
    double LongTaskMillisecondsP99,
    double LongTaskMillisecondsMax,
    double HeapFullMiB,
    double HeapEndMiB,
    double FramesPerSecond
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PageFigures))]
internal sealed partial class PageBenchJson : JsonSerializerContext;

/// <summary><c>bench page</c>: 500 events a second for a minute, before a browser.</summary>
internal static class PageBench
{
    private const int Paints = 5;
    private const int UsualSeconds = 60;
    private const int UsualRate = 500;
    private const double MiB = 1024 * 1024;

    /// <summary>The time in seconds at which the page has as many events as it keeps.</summary>
    private const int FullAfterSeconds = 25;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string Watch = """
        window.benchTasks = []; window.benchFrames = 0;
        new PerformanceObserver(list => { for (const task of list.getEntries()) window.benchTasks.push(task.duration); }).observe({ entryTypes: ['longtask'] });
        (function frame() { window.benchFrames++; requestAnimationFrame(frame); })(); true
        """;

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(cancellationToken);
        return json
            ? JsonSerializer.Serialize(figures, PageBenchJson.Default.PageFigures)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"page: first paint after {figures.FirstPaintMilliseconds} ms; of {figures.Written} events at {figures.EventsPerSecond}/s {figures.Written - figures.Received} did not arrive; "
            )
                + string.Create(
                    CultureInfo.InvariantCulture,
                    $"{figures.LongTasks} long tasks, p99 {figures.LongTaskMillisecondsP99} ms, {figures.FramesPerSecond} frames/s; heap {figures.HeapFullMiB} MiB when full, {figures.HeapEndMiB} MiB at the end"
                );
    }

    private static async Task<PageFigures> MeasureAsync(CancellationToken cancellationToken)
    {
        if (!PageFiles.Embedded.IsBuilt)
        {
            throw new LabFailure(FailureKind.Missing, "this program was built without the page: Node.js 20.19 or newer was not found");
        }
        var state = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            await using var lab = await Laboratory.StartAsync(
                new LabOptions(Path.Combine(state.FullName, "state"), null, LabBoard.File("desktop"), ClockRate.Real, 0),
                NullLoggerFactory.Instance,
                cancellationToken
            );
            return await MeasureAsync(lab, UsualSeconds, UsualRate, cancellationToken);
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    /// <summary>Measures the page of a running lab, for the given time and at the given rate.</summary>
    internal static async Task<PageFigures> MeasureAsync(Laboratory lab, int seconds, int rate, CancellationToken cancellationToken)
    {
        await using var browser = await Chromium.StartAsync(cancellationToken);
        var paint = await FirstPaintAsync(browser, lab.Api.Address, cancellationToken);
        return await LoadAsync(browser, lab, paint, seconds, rate, cancellationToken);
    }

    private static async Task<double> FirstPaintAsync(Chromium browser, Uri page, CancellationToken cancellationToken)
    {
        await browser.AskAsync("Network.enable", [], cancellationToken);
        await browser.AskAsync("Network.setCacheDisabled", new() { ["cacheDisabled"] = true }, cancellationToken);
        var paints = new List<double>();
        for (var run = 0; run < Paints; run++)
        {
            await browser.AskAsync("Page.navigate", new() { ["url"] = page.ToString() }, cancellationToken);
            paints.Add(
                await ValueAsync(browser, "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null", cancellationToken)
            );
            await ValueAsync(browser, "document.querySelector('.state.good') ? 1 : null", cancellationToken);
        }
        paints.Sort();
        return Math.Round(paints[Paints / 2], 1);
    }

    private static async Task<PageFigures> LoadAsync(
        Chromium browser,
        Laboratory lab,
        double paint,
        int seconds,
        int rate,
        CancellationToken cancellationToken
    )
    {
        await browser.EvaluateAsync(Watch, cancellationToken);
        var before = await ValueAsync(browser, "Number(document.querySelector('.event-list').dataset.received)", cancellationToken);
        var (written, full) = (0L, 0d);
        var began = LabClock.Wall.GetTimestamp();
        using (var timer = new PeriodicTimer(Between, LabClock.Wall))
        {
            while (
                await timer.WaitForNextTickAsync(cancellationToken)
                && LabClock.Wall.GetElapsedTime(began) is var elapsed
                && elapsed.TotalSeconds < seconds
            )
            {
                for (var due = (long)(elapsed.TotalSeconds * rate); written < due; written++)
                {
                    lab.Unit.Faults.Get().WriteEvent(Event(written));
                }
                if (full == 0 && elapsed.TotalSeconds >= Math.Min(FullAfterSeconds, seconds / 2.0))
                {
                    full = await HeapAsync(browser, cancellationToken);
                }
            }
        }
        using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        // The newest one is there, and so is each before it that will ever be.
        await ValueAsync(
            browser,
            $"Number(document.querySelector('.event-list').dataset.last) >= {lab.Unit.EventsAfter(0, int.MaxValue)[^1].Id} ? 1 : null",
            either.Token
        );
        var received = await ValueAsync(browser, "Number(document.querySelector('.event-list').dataset.received)", cancellationToken);
        var took = LabClock.Wall.GetElapsedTime(began).TotalSeconds;
        var frames = await ValueAsync(browser, "window.benchFrames", cancellationToken);
        double[] tasks =
        [
            .. ((JsonArray)(await browser.EvaluateAsync("window.benchTasks", cancellationToken))!)
                .Select(task => task!.GetValue<double>())
                .Order(),
        ];
        return new PageFigures(
            "page",
            paint,
            seconds,
            rate,
            written,
            (long)(received - before),
            tasks.Length,
            tasks.Length == 0 ? 0 : tasks[(int)Math.Ceiling(tasks.Length * 0.99) - 1],
            tasks.Length == 0 ? 0 : tasks[^1],
            Math.Round(full, 1),
            Math.Round(await HeapAsync(browser, cancellationToken), 1),
            Math.Round(frames / took, 1)
        );
    }

    /// <summary>An event of the usual length.</summary>
    private static EventEntry Event(long number) =>
        new(
            "0199000002",
            "lab",
            (EventLevel)(number % 5),
            "Bench event",
            ("user", "ann"),
            ("srcip", "127.0.0.1"),
            ("number", number.ToString(CultureInfo.InvariantCulture)),
            ("msg", "Push message to FTKMOB0000000001 of user ann was sent, and this is an event like it")
        );

    private static async Task<double> HeapAsync(Chromium browser, CancellationToken cancellationToken)
    {
        await browser.AskAsync("HeapProfiler.collectGarbage", [], cancellationToken);
        return (await browser.AskAsync("Runtime.getHeapUsage", [], cancellationToken))["usedSize"]!.GetValue<double>() / MiB;
    }

    /// <summary>Waits for a number on the page and returns it.</summary>
    private static async Task<double> ValueAsync(Chromium browser, string expression, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await browser.EvaluateAsync(expression, cancellationToken) is JsonValue value && value.TryGetValue<double>(out var number))
            {
                return number;
            }
            await Task.Delay(Between, LabClock.Wall, cancellationToken);
        }
    }
}
