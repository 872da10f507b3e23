using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal.Linux;

/// <summary>
/// An interface that is a kernel device. Its sockets are also bound to the device (socket(7), SO_BINDTODEVICE), because an address alone
/// does not keep traffic on an interface. Its link is the device's carrier. The configuration sets its address and its status. The device
/// belongs to the appliance: IPv4 addresses that are not in the configuration are removed. A missing device counts as a pulled cable, and
/// may appear later.
/// </summary>
public sealed class DeviceNic : SocketNic, IAddressedNic, IDisposable
{
    private const int SolSocket = 1;
    private const int SoBindToDevice = 25; // socket(7)
    private const int SolIp = 0;
    private const int IpFreeBind = 15; // ip(7): the listener may exist before the address

    private readonly Lock _deviceLock = new();
    private readonly DeviceMatch _match;
    private readonly Netlink _kernel;
    private (IPAddress Address, int PrefixLength) _wanted = (IPAddress.Any, 0);
    private LinkDevice? _device;
    private bool _ended;

    private DeviceNic(BoardNic nic, Netlink kernel)
        : base(nic.Name, IPAddress.Any) => (_match, _kernel) = (nic.Match!, kernel);

    /// <summary>The device's name; null while there is no device.</summary>
    public string? Device
    {
        get
        {
            lock (_deviceLock)
            {
                return _device?.Name;
            }
        }
    }

    /// <inheritdoc/>
    public void SetAddress(IPAddress address, int prefixLength)
    {
        lock (_deviceLock)
        {
            var before = _wanted;
            _wanted = (address, prefixLength);
            try
            {
                // The new one first, then the listeners, then the old one, so that the device always has an address.
                if (_device is { } device && !address.Equals(IPAddress.Any))
                {
                    _kernel.AddAddress(device.Index, address, prefixLength);
                }
                Move(address);
                TakeAwayOthers();
            }
            catch (Exception error) when (error is IOException or AddressInUseException)
            {
                _wanted = before;
                Move(before.Address);
                TrySettle();
                throw new NicException($"{Name}: {error.Message}", error);
            }
        }
    }

    /// <inheritdoc/>
    public override void SetStatus(bool up)
    {
        lock (_deviceLock)
        {
            var before = Wanted;
            try
            {
                if (up)
                {
                    base.SetStatus(true);
                    TakeUp(true);
                }
                else
                {
                    TakeUp(false);
                    base.SetStatus(false);
                }
            }
            catch (Exception error) when (error is IOException and not NicException)
            {
                base.SetStatus(before);
                throw new NicException($"{Name}: {error.Message}", error);
            }
        }
        Look();
    }

    /// <summary>Stops following the device, which stays as it is.</summary>
    public void Dispose()
    {
        _kernel.Changed -= Look;
        lock (_deviceLock)
        {
            _ended = true;
        }
    }

    /// <summary>The reason why the device does not match the configuration; null if it does.</summary>
    public string? Fault { get; private set; }

    /// <summary>Starts following the device that a board describes. It has no address until the configuration sets one.</summary>
    /// <exception cref="FormatException">The board's description matches several devices.</exception>
    internal static DeviceNic Open(BoardNic nic, Netlink kernel)
    {
        var made = new DeviceNic(nic, kernel);
        made.SetLink(false);
        if (made.Candidates() is [_, _, ..] several)
        {
            throw new FormatException(
                $"{nic.Name}: several devices match the board's description ({nic.Match}): {string.Join(", ", several.Select(device => device.Name))}"
            );
        }
        made.Look();
        kernel.Changed += made.Look;
        return made;
    }

    /// <inheritdoc/>
    private protected override void Prepare(Socket socket)
    {
        // Written and read as one reference. A change of the device rebinds the sockets.
        var device = _device ?? throw new SocketException((int)SocketError.NetworkDown);
        socket.SetRawSocketOption(SolSocket, SoBindToDevice, Encoding.ASCII.GetBytes(device.Name + "\0"));
        socket.SetRawSocketOption(SolIp, IpFreeBind, BitConverter.GetBytes(1));
    }

    /// <summary>Updates the interface to the kernel's current state.</summary>
    private void Look()
    {
        lock (_deviceLock)
        {
            if (_ended)
            {
                return;
            }
            try
            {
                var found = Candidates() is [var only] ? only : null;
                if (found?.Index != _device?.Index || found?.Name != _device?.Name)
                {
                    // Removed, added or replaced: sockets that were bound to the old device receive nothing any more.
                    SetLink(false);
                    _device = found;
                    Rebind();
                    Settle();
                    found = Candidates() is [var settled] ? settled : null;
                }
                else if (found is not null)
                {
                    Restore(found);
                }
                _device = found;
                SetLink(found is { IsUp: true, HasCarrier: true });
            }
            catch (IOException error)
            {
                // The device was removed during the check. The kernel reports that, too. Until then the interface does not serve.
                Fault = error.Message;
                SetLink(false);
                return;
            }
            Fault = null;
        }
    }

    private IReadOnlyList<LinkDevice> Candidates() => [.. _kernel.Devices().Where(device => DeviceTree.Suits(device, _match))];

    /// <summary>Applies the configured address and status to a device that has just appeared.</summary>
    private void Settle()
    {
        if (_device is not { } device)
        {
            return;
        }
        if (!_wanted.Address.Equals(IPAddress.Any))
        {
            _kernel.AddAddress(device.Index, _wanted.Address, _wanted.PrefixLength);
        }
        TakeAwayOthers();
        TakeUp(Wanted);
    }

    /// <summary>Restores the configured state. If the kernel refuses, it is tried again with the kernel's next change.</summary>
    private void TrySettle()
    {
        try
        {
            Settle();
        }
        catch (IOException error)
        {
            Fault = error.Message;
        }
    }

    /// <summary>Adds the configured address again if another program removed it.</summary>
    private void Restore(LinkDevice device)
    {
        if (!_wanted.Address.Equals(IPAddress.Any) && !_kernel.Addresses(device.Index).Contains(_wanted))
        {
            _kernel.AddAddress(device.Index, _wanted.Address, _wanted.PrefixLength);
        }
    }

    private void TakeAwayOthers()
    {
        if (_device is not { } device)
        {
            return;
        }
        // Equals instead of ==, because addresses have no equality operator.
        foreach (var (address, prefixLength) in _kernel.Addresses(device.Index).Where(held => !held.Equals(_wanted)))
        {
            _kernel.RemoveAddress(device.Index, address, prefixLength);
        }
        // When the first address of a network is removed, the kernel also removes the others of it (promote_secondaries off), perhaps the
        // configured one.
        Restore(device);
    }

    private void TakeUp(bool up)
    {
        // Not requested if it is so already, because that needs no privilege.
        if (_device is { } device && _kernel.Devices().FirstOrDefault(now => now.Index == device.Index) is { } now && now.IsUp != up)
        {
            _kernel.SetUp(device.Index, up);
        }
    }
}
