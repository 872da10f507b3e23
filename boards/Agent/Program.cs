using System.Net;
using Appliance.Agent;
using Appliance.Firmware.Certificates;
using Appliance.Hal;
using Appliance.Link;
using Microsoft.Win32.SafeHandles;
using Nerdbank.Streams;

// The program of a box under a remote controller: Appliance.Agent BOARD.json STATE, and the controller's end: a virtio-serial port, or an
// address of this box at which a controller with the key may connect.
PublicAuthorities.LeaveUnread();
switch (args)
{
    case [var board, var state, "--listen", var address, "--key", var file]:
        return await ListenAsync(board, state, address, file, console: false);
    case [var board, var state, "--listen", var address, "--key", var file, "--console"]:
        return await ListenAsync(board, state, address, file, console: true);
    case [var board, var state, var port] when !port.StartsWith('-'):
        return await WaitAtAsync(board, state, port);
    default:
        await Console.Error.WriteLineAsync(
            "usage: Appliance.Agent BOARD STATE PORT\n       Appliance.Agent BOARD STATE --listen ADDRESS:PORT --key FILE [--console]\n\n--console serves the unit's console on standard input and output, over all units that come and go."
        );
        return 2;
}

static async Task<int> WaitAtAsync(string board, string state, string port)
{
    var between = TimeSpan.FromMilliseconds(20);
    using var agent = new LabAgent(Board.Load(board), state);
    using var device = File.OpenHandle(port, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    await using var input = new FileStream(
        new SafeFileHandle(device.DangerousGetHandle(), ownsHandle: false),
        FileAccess.Read,
        bufferSize: 0
    );
    await using var output = new FileStream(
        new SafeFileHandle(device.DangerousGetHandle(), ownsHandle: false),
        FileAccess.Write,
        bufferSize: 0
    );
    var hello = new byte[1];
    Console.Error.WriteLine("the agent waits for its controller");
    // An empty read means that no controller is connected yet.
    while (await input.ReadAsync(hello) != 1 || hello[0] != LinkProtocol.Hello)
    {
        await Task.Delay(between, TimeProvider.System);
    }
    await agent.ServeAsync(FullDuplexStream.Splice(input, output), CancellationToken.None);
    return 0;
}

static async Task<int> ListenAsync(string board, string state, string address, string file, bool console)
{
    if (!IPEndPoint.TryParse(address, out var at) || at.Port == 0)
    {
        await Console.Error.WriteLineAsync($"--listen must be ADDRESS:PORT, not '{address}'");
        return 2;
    }
    try
    {
        using var stop = new CancellationTokenSource();
        using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM,
            signal =>
            {
                signal.Cancel = true;
                stop.Cancel();
            }
        );
        using var agent = new LabAgent(Board.Load(board), state);
        using var listener = new AgentListener(agent, at, AgentHandshake.ReadKey(file), Console.Error.WriteLine);
        var talking = console ? agent.ServePortAsync(stop.Token) : Task.CompletedTask;
        try
        {
            await listener.ServeAsync(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The stop was requested.
        }
        await agent.StopAsync();
        await talking;
        return 0;
    }
    catch (Exception wrong) when (wrong is FormatException or IOException or UnauthorizedAccessException)
    {
        await Console.Error.WriteLineAsync(wrong.Message);
        return 1;
    }
}
