using Appliance.Boot;
using Appliance.Hal.Linux;
using Appliance.Tests.Box;
using Xunit;

namespace Appliance.Tests.Linux;

/// <summary>A serial device, on a pseudo terminal of the kernel.</summary>
public sealed class SerialStreamTests
{
    private const uint SpeedFlags = 0x100F;
    private const uint Echo = 0x8;

    [Theory]
    [InlineData(9600, 0x0D)]
    [InlineData(19200, 0x0E)]
    [InlineData(38400, 0x0F)]
    [InlineData(57600, 0x1001)]
    [InlineData(115200, 0x1002)]
    public async Task ItIsRawAtItsSpeedAndPutBack(int speed, uint flags)
    {
        await using var cable = new SerialCable();
        // As a shell leaves a terminal: echo, lines, and another speed.
        var before = cable.ControllerSettings;
        BitConverter.TryWriteBytes(before.AsSpan(8), (BitConverter.ToUInt32(before, 8) & ~SpeedFlags) | 0x0B);
        BitConverter.TryWriteBytes(before.AsSpan(12), BitConverter.ToUInt32(before, 12) | Echo);
        cable.ControllerSettings = before;
        before = cable.ControllerSettings;
        using (SerialStream.Open(cable.ControllerDevice, speed))
        {
            var now = cable.ControllerSettings;
            Assert.Equal(flags, BitConverter.ToUInt32(now, 8) & SpeedFlags);
            Assert.Equal(0u, BitConverter.ToUInt32(now, 12) & Echo);
            Assert.True(cable.ControllerIsTaken);
        }
        Assert.Equal(before, cable.ControllerSettings);
        Assert.False(cable.ControllerIsTaken);
    }

    [Fact]
    public async Task ASpeedThatNobodyKnowsIsRefusedAndNothingIsChanged()
    {
        await using var cable = new SerialCable();
        var before = cable.ControllerSettings;
        Assert.Equal(
            $"{cable.ControllerDevice} does not support speed 12345",
            Assert.Throws<IOException>(() => SerialStream.Open(cable.ControllerDevice, 12345)).Message
        );
        Assert.Equal(before, cable.ControllerSettings);
    }

    [Fact]
    public async Task EveryByteGoesBothWaysAndACancelledReadTakesNothing()
    {
        await using var cable = new SerialCable();
        using var one = SerialStream.Open(cable.ControllerDevice, 115200);
        using var other = SerialStream.Open(cable.UnitDevice, 115200);
        var all = Enumerable.Range(0, 64 * 256).Select(value => (byte)value).ToArray();
        foreach (var (from, to) in new[] { (one, other), (other, one) })
        {
            using var cancel = new CancellationTokenSource();
            var given = to.ReadAsync(new byte[16], cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
            var sending = from.WriteAsync(all, TestContext.Current.CancellationToken).AsTask();
            var came = new byte[all.Length];
            await to.ReadExactlyAsync(came, TestContext.Current.CancellationToken);
            await sending;
            Assert.Equal(all, came);
        }
    }

    [Fact]
    public async Task ADeviceThatHangsUpIsGone()
    {
        var cable = new SerialCable();
        using var line = SerialStream.Open(cable.ControllerDevice, 115200);
        var reading = line.ReadAsync(new byte[16], TestContext.Current.CancellationToken).AsTask();
        await cable.UnplugBenchAsync();
        Assert.Contains("is gone", (await Assert.ThrowsAsync<IOException>(() => reading)).Message, StringComparison.Ordinal);
        await cable.DisposeAsync();
    }

    [Fact]
    public async Task WhatAnOldSessionDoesNotReadAnyMoreTheNextOneGets()
    {
        var pipe = new System.IO.Pipelines.Pipe();
        using var keys = new PortKeys(pipe.Reader.AsStream());
        using var over = new CancellationTokenSource();
        var old = keys.ReadAsync(new byte[16], over.Token).AsTask();
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => old);
        await pipe.Writer.WriteAsync("show"u8.ToArray(), TestContext.Current.CancellationToken);
        var next = new byte[3];
        Assert.Equal(3, await keys.ReadAsync(next, TestContext.Current.CancellationToken));
        Assert.Equal("sho"u8.ToArray(), next);
        Assert.Equal(1, await keys.ReadAsync(next, TestContext.Current.CancellationToken));
        await pipe.Writer.CompleteAsync();
        Assert.Equal(0, await keys.ReadAsync(next, TestContext.Current.CancellationToken));
    }
}
