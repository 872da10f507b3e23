using System.Diagnostics;
using System.Net;
using Appliance.Boot;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Boards;

/// <summary>A box with two slots for its firmware, without the box: scripts/update has it whole.</summary>
public sealed class SlotTests
{
    private static readonly string[] Booted = ["slot=A", "version=1.0.0"];

    [Fact]
    public async Task AMachineWithoutSlotsHasNone() =>
        Assert.Null(await SlotProgram.OpenAsync("console=ttyAMA0 quiet xrauc.slot=A", "/nowhere/slots", TimeProvider.System));

    [Fact]
    public async Task WhatRunsIsOnTrialUntilItHasPassed()
    {
        using var image = new FakeImage(("status", Booted));
        using var slots = await image.OpenAsync();
        Assert.Equal(new FirmwareSlot("A", "1.0.0") { OnTrial = true }, slots.Slot);
        image.Answer("good", 1, "no such device");
        Assert.Equal(
            "slot A cannot be confirmed to the boot loader: no such device",
            (await Assert.ThrowsAsync<IOException>(slots.PassAsync)).Message
        );
        Assert.True(slots.Slot.OnTrial);
        image.Answer("good", 0);
        await slots.PassAsync();
        Assert.Equal(new FirmwareSlot("A", "1.0.0"), slots.Slot);
    }

    [Fact]
    public async Task AnUpdateIsWhatTheNextStartBoots()
    {
        using var image = new FakeImage(
            ("status", [.. Booted, "failed=B"]),
            ("install", ["done"]),
            ("install.then", [.. Booted, "next=B"])
        );
        using var slots = await image.OpenAsync();
        Assert.Equal("B", slots.Slot.Failed);
        Assert.Null(await slots.InstallAsync("$(touch x);a b.raucb"));
        Assert.Equal(new FirmwareSlot("A", "1.0.0") { OnTrial = true, Next = "B" }, slots.Slot);
        // The rest of the name remains as typed, as one word.
        Assert.Equal("<status><install><$(touch x);a b.raucb><status>", image.Asked);
    }

    [Theory]
    [InlineData("downgrade refused: version 1 is older than 2, which runs\n", "downgrade refused: version 1 is older than 2, which runs")]
    [InlineData("\u001b[31mred\u0007\n", "[31mred")]
    [InlineData("", "the update failed")]
    public async Task ARefusalIsToldWithoutControlCharacters(string said, string told)
    {
        using var image = new FakeImage(("status", Booted));
        using var slots = await image.OpenAsync();
        image.Answer("install", 1, said);
        Assert.Equal(told, await slots.InstallAsync("a.raucb"));
        Assert.Null(slots.Slot.Next);
    }

    [Fact]
    public async Task AnImageThatDoesNotTellItsSlotIsAFault()
    {
        using var image = new FakeImage(("status", ["slot=A"]));
        Assert.EndsWith(
            "does not report the slot: slot=A",
            (await Assert.ThrowsAsync<IOException>(image.OpenAsync)).Message,
            StringComparison.Ordinal
        );
        await Assert.ThrowsAsync<IOException>(() => SlotProgram.OpenAsync("rauc.slot=A", "/nowhere/slots", TimeProvider.System));
    }

    [Fact]
    public async Task TheTrialIsPassedOnceEverythingAnswers()
    {
        var time = new FakeTimeProvider();
        List<string> complaints = [];
        var looks = new Queue<IReadOnlyList<string>?>([null, ["ftm does not answer"], ["ftm does not answer"], [], []]);
        var passes = 0;
        var trial = SlotTrial.RunAsync(
            _ => Task.FromResult(looks.Dequeue()),
            () => passes++ == 0 ? Task.FromException(new IOException("no device")) : Task.CompletedTask,
            time,
            complaints.Add,
            CancellationToken.None
        );
        for (var second = 0; second < 4; second++)
        {
            Assert.False(trial.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await trial.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
        Assert.Equal(2, passes);
        Assert.Equal(["this slot is on trial: ftm does not answer", "no device"], complaints);
    }

    [Fact]
    public async Task ABoxThatIsStoppedOnTrialStops()
    {
        using var stop = new CancellationTokenSource();
        var trial = SlotTrial.RunAsync(
            _ => Task.FromResult<IReadOnlyList<string>?>(null),
            () => throw new InvalidOperationException(),
            new FakeTimeProvider(),
            _ => { },
            stop.Token
        );
        await stop.CancelAsync();
        await trial.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
    }

    [Fact]
    public async Task TheConsoleUpdatesAndTheMachineStartsAnew()
    {
        var slots = new FakeSlots();
        await using var box = new Box(slots);
        Assert.True(
            await box.RunAsync(async unit =>
            {
                using var console = unit.OpenConsole();
                Assert.Contains(
                    "Firmware: slot A, version 1.0.0, on trial\n",
                    console.Execute("get hardware status"),
                    StringComparison.Ordinal
                );
                Assert.Contains("the file name must be", console.Execute("execute restore image usb ../x"), StringComparison.Ordinal);
                Assert.Equal(
                    "This operation will replace the current firmware version!\nDo you want to continue? (y/n)",
                    console.Execute("execute restore image usb old.raucb")
                );
                Assert.Equal("\n", console.Execute("n"));
                Assert.Empty(slots.Asked);

                slots.Refusal = "downgrade refused";
                console.Execute("execute restore image usb old.raucb");
                Assert.Equal(
                    "Please wait...\nCopy image old.raucb from USB disk ...\n\nimage old.raucb: downgrade refused\nCommand fail. Return code -1\n\n",
                    console.Execute("y") + await console.AnsweredAsync()
                );
                Assert.Contains(
                    "Firmware not restored from USB disk file old.raucb: downgrade refused",
                    string.Concat(unit.Events.After(0).Select(record => record.Line)),
                    StringComparison.Ordinal
                );

                slots.Refusal = null;
                console.Execute("execute restore image usb new.raucb");
                Assert.EndsWith(
                    "Check image OK.\nPlease wait for system to restart.\n\nSystem is rebooting...\n\n",
                    console.Execute("y") + await console.AnsweredAsync(),
                    StringComparison.Ordinal
                );
                Assert.Contains("; slot B from the next start on\n", console.Execute("get hardware status"), StringComparison.Ordinal);
                Assert.Equal(["old.raucb", "new.raucb"], slots.Asked);
            })
        );
    }

    [Theory]
    [InlineData("0.9.0", "1.0.0", true)]
    [InlineData("1.0.0", "1.0.0", false)]
    [InlineData("1.0", "1.0.0", false)]
    [InlineData("1.0", "1.0.1", true)]
    [InlineData("1.0.1", "1.0", false)]
    [InlineData("1.9", "1.10", true)]
    [InlineData("1.10", "1.9", false)]
    [InlineData("2", "1.9.9.9", false)]
    [InlineData("1.08", "1.9", true)]
    public async Task TheImageComparesVersionsNumberByNumber(string offered, string running, bool older)
    {
        var text = await File.ReadAllTextAsync(
            Repository.PathOf("boards/qemu-arm64/image/slots/root/usr/lib/appliance/not-older")
        );
        var from = text.IndexOf("older() {", StringComparison.Ordinal);
        var function = text[from..(text.IndexOf("\n}\n", from, StringComparison.Ordinal) + 3)];
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", function + "older \"$1\" \"$2\"", "sh", offered, running]))!;
        await shell.WaitForExitAsync();
        Assert.Equal(older ? 0 : 1, shell.ExitCode);
    }

    private sealed class FakeSlots : IFirmwareSlots
    {
        public List<string> Asked { get; } = [];

        public string? Refusal { get; set; }

        public FirmwareSlot Slot { get; private set; } = new("A", "1.0.0") { OnTrial = true };

        public Task<string?> InstallAsync(string file)
        {
            Asked.Add(file);
            Slot = Refusal is null ? Slot with { Next = "B" } : Slot;
            return Task.FromResult(Refusal);
        }
    }

    /// <summary>The answers of an image's program, in a separate folder.</summary>
    private sealed class FakeImage : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-slots-");

        public FakeImage(params (string Name, string[] Lines)[] answers)
        {
            File.CreateSymbolicLink(Path.Combine(_folder.FullName, "slots"), Repository.PathOf("tests/lab/Boards/slots.sh"));
            foreach (var (name, lines) in answers)
            {
                File.WriteAllLines(Path.Combine(_folder.FullName, name), lines);
            }
        }

        public string Asked => File.ReadAllText(Path.Combine(_folder.FullName, "asked"));

        public void Answer(string verb, int code, string said = "")
        {
            File.WriteAllText(Path.Combine(_folder.FullName, verb), said);
            File.WriteAllText(Path.Combine(_folder.FullName, verb + ".code"), $"{code}");
        }

        public async Task<SlotProgram> OpenAsync() =>
            (await SlotProgram.OpenAsync("quiet rauc.slot=A panic=-1\n", Path.Combine(_folder.FullName, "slots"), TimeProvider.System))!;

        public void Dispose() => _folder.Delete(recursive: true);
    }

    /// <summary>Runs units as a box does.</summary>
    private sealed class Box(IFirmwareSlots slots) : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-boot-");

        /// <summary>True if the machine must restart.</summary>
        public async Task<bool> RunAsync(Func<Unit, Task> use)
        {
            var network = new SimNetwork();
            INic[] nics =
            [
                .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"127.0.1.{number}"))),
            ];
            var options = new UnitOptions(
                _folder.FullName,
                nics,
                new FakeTimeProvider(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero)),
                new NoPushProxy(),
                LabBoard.DefaultConfiguration(),
                NullLoggerFactory.Instance
            )
            {
                Slots = slots,
            };
            var used = Task.CompletedTask;
            using var stop = new CancellationTokenSource();
            var restart = await BoardBoot.RunUnitsAsync(options, unit => used = UseAsync(unit), stop.Token);
            await used;
            return restart;

            // Whatever goes wrong in there ends the box.
            async Task UseAsync(Unit unit)
            {
                try
                {
                    await use(unit);
                }
                catch
                {
                    await stop.CancelAsync();
                    throw;
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            _folder.Delete(recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
