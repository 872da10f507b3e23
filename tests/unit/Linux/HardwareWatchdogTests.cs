using System.IO.Pipes;
using Appliance.Hal.Linux;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Appliance.Tests.Linux;

/// <summary>
/// The writes to a watchdog's device. Like the device, a pipe has no positions; the device itself is in the booted image.
/// </summary>
public sealed class HardwareWatchdogTests
{
    [Fact]
    public void SignsOfLifeAndAnEndThatWasMeant()
    {
        using var device = new AnonymousPipeServerStream(PipeDirection.In);
        using var client = device.ClientSafePipeHandle;
        var watchdog = new HardwareWatchdog(new SafeFileHandle(client.DangerousGetHandle(), ownsHandle: false));
        watchdog.Alive();
        watchdog.Alive();
        watchdog.Dispose();
        watchdog.Dispose();
        var got = new byte[3];
        device.ReadExactly(got);
        Assert.Equal("11V"u8.ToArray(), got);
    }
}
