using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Hal.Linux;

namespace Appliance.Boot;

/// <summary>The console port: standard input and output, which systemd connects to the board's console (<c>TTYPath=</c>).</summary>
internal static class ConsolePort
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    /// <summary>Serves one session after the other, over restarts of the unit, until the input ends.</summary>
    internal static async Task ServeAsync(Func<Unit?> serving, CancellationToken stop)
    {
        using var raw = RawTerminal.Enter();
        var (input, output) = (raw?.Keys ?? Console.OpenStandardInput(), Console.OpenStandardOutput());
        try
        {
            while (true)
            {
                while (serving() is null)
                {
                    await Task.Delay(Between, TimeProvider.System, stop).ConfigureAwait(false);
                }
                using var session = serving()?.OpenConsole();
                if (session is null)
                {
                    continue;
                }
                if (raw is null)
                {
                    await ConsoleStream.RunAsync(session, input, output, echo: true, stop).ConfigureAwait(false);
                    if (!session.Closed)
                    {
                        return; // The script has ended.
                    }
                }
                else if (await ConsoleStream.RunTerminalAsync(session, input, output, () => TerminalSize.Of(RawTerminal.Size()), stop).ConfigureAwait(false) == ConsoleEnd.HungUp)
                {
                    return;
                }
                await output.WriteAsync("\r\n"u8.ToArray(), stop).ConfigureAwait(false);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The terminal is gone, or the box stops. The box goes on without a console.
        }
    }
}
