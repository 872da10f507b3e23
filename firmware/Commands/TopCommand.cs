using System.Globalization;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Monitoring;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose sys top [DELAY] [LINES] [ITERATIONS]</c>. The unit is one process, so there is one line. Processor time is counted since the
/// previous line, at first since the previous command. The uptime is by the unit's clock, the delay by the machine's.
/// </summary>
internal sealed class TopCommand(TimeProvider time) : ICommandSource
{
    private const int UsualDelay = 5;
    private const int DelayMax = 3600;
    private const int LinesMax = 1000;
    private const int IterationsMax = 1_000_000;

    /// <summary>The name of the process. The device has many (*assumed*).</summary>
    private const string ProcessName = "appliance";

    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly UnitLoad _load = new(time);

    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "diagnose sys top",
                "Show top threads information: [DELAY] [LINES] [ITERATIONS].",
                Permissions.System.Read,
                new CliArguments(0, 3),
                Run
            ),
        ];

    private CliReply Run(CliCall call)
    {
        var words = call.Arguments;
        // Without a number of iterations, a terminal is refreshed until the command is stopped. Any other output gets one iteration.
        var (delay, iterations) = (UsualDelay, call.Session.IsTerminal ? int.MaxValue : 1);
        if (words.Count > 0 && !CallArguments.TryNumber(words[0], 1, DelayMax, out delay))
        {
            return CliPaths.ParseError(words[0]);
        }
        if (words.Count > 1 && !CallArguments.TryNumber(words[1], 1, LinesMax, out _))
        {
            return CliPaths.ParseError(words[1]);
        }
        if (words.Count > 2 && !CallArguments.TryNumber(words[2], 1, IterationsMax, out iterations))
        {
            return CliPaths.ParseError(words[2]);
        }
        var release = call.Session.Workspace.Current.Schema.Personality.Release;
        return iterations == 1
            ? Iteration(release)
            : new CliReply("") { Stream = (show, stop) => RefreshAsync(release, TimeSpan.FromSeconds(delay), iterations, show, stop) };
    }

    private async Task<CliReply> RefreshAsync(Version release, TimeSpan delay, int iterations, Action<string> show, CancellationToken stop)
    {
        for (var done = 1; ; done++)
        {
            show(Iteration(release));
            if (done >= iterations)
            {
                return "";
            }
            try
            {
                await Task.Delay(delay, TimeProvider.System, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return "";
            }
        }
    }

    private string Iteration(Version release)
    {
        const int KilobytesOfMegabyte = 1024;
        var up = time.GetUtcNow() - _started;
        var (user, system) = _load.Processor();
        var memory = MachineMemory.Read();
        var share = 100.0 * (Environment.WorkingSet / 1024) / Math.Max(1, memory.Total);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Run Time:  {up.Days} days, {up.Hours} hours and {up.Minutes} minutes\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"{user}U, 0N, {system}S, {Math.Max(0, 100 - user - system)}I, 0WA, 0HI, 0SI, 0ST; {memory.Total / KilobytesOfMegabyte}T, {memory.Free / KilobytesOfMegabyte}F\n"
        );
        text.Append(
            CultureInfo.InvariantCulture,
            $"{ProcessName,16} {Environment.ProcessId,8}      {(user + system > 0 ? 'R' : 'S'),-3}{(double)(user + system),8:0.0}{share,8:0.0}"
        );
        // From 7.0 on, the processor that the process ran on.
        text.Append(release.Major >= 7 ? string.Create(CultureInfo.InvariantCulture, $"{Thread.GetCurrentProcessorId(),5}") : "");
        return text.Append('\n').ToString();
    }
}
