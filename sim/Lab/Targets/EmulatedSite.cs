using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Composition;
using Appliance.Lab.Scenarios;
using Appliance.Link;

namespace Appliance.Lab.Targets;

/// <summary>One machine for all scenarios: booted once, and put back to the moment after its boot before each of them.</summary>
internal sealed class EmulatedSite : ITargetSite, ISiteCables, ISiteMail, IAsyncDisposable
{
    private const string Snapshot = "booted";

    private readonly DirectoryInfo _folder;
    private readonly QemuMachine _machine;

    private readonly PanelLines _panel;

    private EmulatedSite(DirectoryInfo folder, QemuMachine machine, PanelLines panel)
    {
        _folder = folder;
        _machine = machine;
        _panel = panel;
    }

    /// <summary>Boots the test image until its agent waits.</summary>
    /// <exception cref="LabFailure">Something is missing, or it does not boot.</exception>
    public static async Task<EmulatedSite> StartAsync()
    {
        var image = QemuImage.UsualFolder("lab.img");
        await TargetNetwork.MakeAsync();
        var folder = Directory.CreateTempSubdirectory("appliance-image-");
        QemuMachine? machine = null;
        try
        {
            machine = await QemuMachine.StartAsync(new QemuImage(image, "lab.img", Path.Combine(folder.FullName, "state.qcow2")));
            await machine.Control.PortOpen.WaitAsync(QemuMachine.BootPatience, LabClock.Wall);
            await machine.Control.MonitorAsync($"savevm {Snapshot}");
            return new EmulatedSite(folder, machine, await PanelLines.OpenAsync(machine.Control, Board.Load(LabBoard.File("qemu-arm64"))));
        }
        catch (Exception failure)
        {
            if (machine is not null)
            {
                await machine.DisposeAsync();
            }
            folder.Delete(recursive: true);
            throw failure is IOException or TimeoutException
                ? new LabFailure(FailureKind.TimedOut, "the image does not boot to the lab's agent", failure)
                : failure;
        }
    }

    /// <summary>Plugs all cables and returns to the state in which the agent waits.</summary>
    async Task ITargetSite.PrepareAsync()
    {
        foreach (var cable in QemuMachine.Cables)
        {
            await _machine.Control.ExecuteAsync("set_link", "name", cable, "up", true);
        }
        await _machine.Control.MonitorAsync($"loadvm {Snapshot}");
    }

    string ITargetSite.Network => TargetNetwork.Network;

    string ITargetSite.Board => "qemu-arm64";

    bool ITargetSite.TakesOurTime => true;

    bool ITargetSite.HasSources => true;

    PanelLines ITargetSite.Panel => _panel;

    ISiteCables ITargetSite.Cables => this;

    ISiteMail ITargetSite.Mail => this;

    async Task<Stream> ITargetSite.LinkAsync()
    {
        var port = await QemuMachine.LinkAsync();
        await port.WriteAsync(new[] { LinkProtocol.Hello });
        await port.FlushAsync();
        return port;
    }

    INic ITargetSite.NicAt(string name, IPAddress address) => new SocketNic(name, address);

    Task<INic> ISiteMail.NicAsync(IPAddress address) => TargetNetwork.HereAsync("mail", address);

    Task ISiteCables.SetAsync(string nic, bool up) => _machine.Control.ExecuteAsync("set_link", "name", nic, "up", up);

    public async ValueTask DisposeAsync()
    {
        await _panel.DisposeAsync();
        await _machine.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
