using System.CommandLine;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Cli;
using Appliance.Hal.Linux;
using Appliance.Lab.Console;

namespace Appliance.Tool;

/// <summary><c>cli</c>: opens the console of the appliance that runs in a state folder.</summary>
internal static class CliVerb
{
    public static Command Create()
    {
        var state = UpVerb.StateOption();
        var login = new Option<bool>("--login")
        {
            Description = "Ask for an administrator's name and password, as the device's console does",
        };
        var command = new Command(
            "cli",
            "Attaches to the running appliance's console; piped input is a script.\n\nExample: echo 'show system ftm-push' | run cli"
        )
        {
            state,
            login,
        };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(state)!, parsed.GetValue(login)));
        return command;
    }

    private static async Task<int> RunAsync(string state, bool login)
    {
        using var signals = new StopSignals();
        using var terminal = RawTerminal.Enter();
        var folder = Path.GetFullPath(state);
        await using var console =
            await (
                terminal is null
                    ? ConsoleSocket.ConnectAsync(folder, echo: Console.IsInputRedirected, signals.Token, login)
                    : ConsoleSocket.ConnectAsync(folder, TerminalSize.Of(RawTerminal.Size()), signals.Token, login)
            )
            ?? throw new LabFailure(FailureKind.Missing, $"no appliance runs in {state} (start one with: run up --state {state})");
        // Not awaited: the appliance ends the session, and a pending read from a terminal cannot be cancelled.
        _ = SendAsync(terminal?.Keys ?? Console.OpenStandardInput(), console, signals.Token);
        try
        {
            await console.CopyToAsync(Console.OpenStandardOutput(), signals.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The session was closed, by the appliance's stop or by this program.
        }
        return ExitCode.Ok;
    }

    private static async Task SendAsync(Stream input, System.Net.Sockets.NetworkStream console, CancellationToken cancellationToken)
    {
        try
        {
            await input.CopyToAsync(console, cancellationToken);
            console.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }
        catch (Exception e)
            when (e is IOException or OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException)
        {
            // The session ended first.
        }
    }
}
