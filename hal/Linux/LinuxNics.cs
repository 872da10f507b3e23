using System.Net;

namespace Appliance.Hal.Linux;

/// <summary>The interfaces of a board on Linux: kernel devices where the board describes them, addresses of the system otherwise.</summary>
public sealed class LinuxNics : IDisposable
{
    private readonly Netlink? _kernel;

    /// <summary>Opens every interface of a board.</summary>
    /// <exception cref="FormatException">The board's description matches several devices.</exception>
    /// <exception cref="IOException">The kernel does not report its devices.</exception>
    public LinuxNics(Board board)
    {
        _kernel = board.Nics.Any(nic => nic.Match is not null) ? new Netlink() : null;
        var nics = new List<INic>();
        Nics = nics;
        try
        {
            foreach (var nic in board.Nics)
            {
                nics.Add(nic.Match is null ? new SocketNic(nic.Name, nic.Address) : DeviceNic.Open(nic, _kernel!));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The interfaces in the board's order.</summary>
    public IReadOnlyList<INic> Nics { get; }

    /// <summary>
    /// The devices that are missing or refuse the configuration, each with its interface's name; empty if there are none.
    /// </summary>
    public IReadOnlyList<string> Faults =>
        [
            .. Nics.OfType<DeviceNic>()
                .Where(nic => nic.Device is null || nic.Fault is not null)
                .Select(nic => $"{nic.Name}: {nic.Fault ?? "its device is not there"}"),
        ];

    /// <summary>Completes when this object is disposed. Fails if following the devices failed; the box must not continue then.</summary>
    public Task Watching => _kernel?.Watching ?? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var nic in Nics.OfType<DeviceNic>())
        {
            nic.Dispose();
        }
        _kernel?.Dispose();
    }
}
