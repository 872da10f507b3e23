using Appliance.Hal;
using Appliance.LabBoot;
using Appliance.LabLink;
using Microsoft.Win32.SafeHandles;
using Nerdbank.Streams;

// Appliance.LabBoot BOARD.json STATE PORT: the box under a bench that speaks through a port of virtio-serial.
if (args is not [var boardFile, var state, var port])
{
    Console.Error.WriteLine("usage: Appliance.LabBoot BOARD STATE PORT");
    return 2;
}
var between = TimeSpan.FromMilliseconds(20);
using var agent = new LabAgent(Board.Load(boardFile), state);
using var device = File.OpenHandle(port, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
await using var input = new FileStream(new SafeFileHandle(device.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0);
await using var output = new FileStream(new SafeFileHandle(device.DangerousGetHandle(), ownsHandle: false), FileAccess.Write, bufferSize: 0);
var hello = new byte[1];
Console.Error.WriteLine("the agent waits for its bench");
// Nothing to read means that nobody is at the other end yet.
while (await input.ReadAsync(hello) != 1 || hello[0] != Link.Hello)
{
    await Task.Delay(between, TimeProvider.System);
}
await agent.ServeAsync(FullDuplexStream.Splice(input, output), CancellationToken.None);
return 0;
