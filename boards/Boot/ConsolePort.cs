using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Hal.Linux;

namespace Appliance.Boot;

/// <summary>The console port: standard input and output, which systemd connects to the board's console (<c>TTYPath=</c>).</summary>
internal static class ConsolePort
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    /// <summary>Serves one session after another, across restarts of the unit, until the input ends.</summary>
    internal static Task ServeAsync(Func<Unit?> serving, CancellationToken stop)
    {
        return ServeAsync(OpenAsync, stop);

        async Task<CliSession> OpenAsync(CancellationToken stop)
        {
            while (true)
            {
                if (serving() is { } unit)
                {
                    return unit.OpenConsole();
                }
                await Task.Delay(Between, TimeProvider.System, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Serves sessions that the caller opens once a unit is up, and may close when it goes down.</summary>
    internal static async Task ServeAsync(Func<CancellationToken, Task<CliSession>> open, CancellationToken stop)
    {
        using var raw = RawTerminal.Enter();
        using var input = new PortKeys(raw?.Keys ?? Console.OpenStandardInput());
        var output = Console.OpenStandardOutput();
        try
        {
            while (true)
            {
                using var session = await open(stop).ConfigureAwait(false);
                using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
                if (raw is null)
                {
                    await ConsoleStream.RunAsync(session, input, output, echo: true, over.Token).ConfigureAwait(false);
                    if (!session.Closed)
                    {
                        return; // The script has ended.
                    }
                }
                else if (
                    await ConsoleStream
                        .RunTerminalAsync(session, input, output, () => TerminalSize.Of(RawTerminal.Size()), over.Token)
                        .ConfigureAwait(false) == ConsoleEnd.HungUp
                )
                {
                    return;
                }
                // This session's reader stops: the next key belongs to the next session.
                await over.CancelAsync().ConfigureAwait(false);
                await output.WriteAsync("\r\n"u8.ToArray(), stop).ConfigureAwait(false);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The terminal is closed, or the box stops. The box continues without a console.
        }
    }
}
