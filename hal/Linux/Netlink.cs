using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Appliance.Hal.Linux;

/// <summary>The current state of a kernel's network device.</summary>
/// <param name="Index">The index. A device that is deleted and created again has a new one.</param>
/// <param name="Name">The name.</param>
/// <param name="IsUp">True if the device is administratively up (<c>IFF_UP</c>).</param>
/// <param name="HasCarrier">True if it is up and its cable is connected (<c>IFF_LOWER_UP</c>).</param>
/// <param name="Mac">The hardware address, in hex.</param>
internal sealed record LinkDevice(int Index, string Name, bool IsUp, bool HasCarrier, string Mac);

/// <summary>
/// Reads, watches and changes network devices and their addresses, through rtnetlink(7). Changes need CAP_NET_ADMIN. All members may be
/// called from any thread.
/// </summary>
internal sealed class Netlink : IDisposable
{
    private const int HeaderLength = 16;
    private const int LinkBodyLength = 16;
    private const int AddressBodyLength = 8;
    private const int AnswerMax = 1 << 17;

    // linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/if.h
    private const ushort NlmsgError = 2;
    private const ushort NlmsgDone = 3;
    private const ushort RtmNewLink = 16;
    private const ushort RtmGetLink = 18;
    private const ushort RtmNewAddr = 20;
    private const ushort RtmDelAddr = 21;
    private const ushort RtmGetAddr = 22;
    private const ushort Request = 0x001;
    private const ushort Ack = 0x004;
    private const ushort Dump = 0x300;
    private const ushort Exclusive = 0x200;
    private const ushort Create = 0x400;
    private const uint GroupLink = 0x1;
    private const uint GroupIpv4Address = 0x10;
    private const ushort IflaAddress = 1;
    private const ushort IflaName = 3;
    private const ushort IfaAddress = 1;
    private const ushort IfaLocal = 2;
    private const ushort IfaBroadcast = 4;
    private const uint IffUp = 0x1;
    private const uint IffLowerUp = 0x10000;
    private const int ErrorExists = -17;
    private const int ErrorNoAddress = -99;

    private readonly Lock _lock = new();
    private readonly Socket _requests = Sockets.NewNetlink(0);
    private readonly Socket _news;
    private readonly byte[] _answer = new byte[AnswerMax];
    private uint _sequence;

    /// <summary>Starts listening for changes.</summary>
    /// <exception cref="IOException">The kernel provides no such socket.</exception>
    internal Netlink()
    {
        _news = Sockets.NewNetlink(GroupLink | GroupIpv4Address);
        Watching = WatchAsync();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _news.Dispose();
        _requests.Dispose();
    }

    /// <summary>Raised on a dedicated thread after any device or address may have changed. Handlers read the current state.</summary>
    internal event Action? Changed;

    /// <summary>Completes when this object is disposed; fails with the exception of a handler.</summary>
    internal Task Watching { get; }

    /// <summary>Returns every device.</summary>
    internal IReadOnlyList<LinkDevice> Devices()
    {
        var devices = new List<LinkDevice>();
        var body = new byte[LinkBodyLength];
        Exchange(
            RtmGetLink,
            Dump,
            body,
            (type, message) =>
            {
                if (type != RtmNewLink)
                {
                    return;
                }
                var (name, mac) = ("", "");
                foreach (var (attribute, value) in Attributes(message[LinkBodyLength..]))
                {
                    name = attribute == IflaName ? Encoding.ASCII.GetString(value).TrimEnd('\0') : name;
                    mac = attribute == IflaAddress ? Convert.ToHexString(value) : mac;
                }
                var flags = BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(8));
                devices.Add(
                    new LinkDevice(
                        BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(4)),
                        name,
                        (flags & IffUp) != 0,
                        (flags & IffLowerUp) != 0,
                        mac
                    )
                );
            }
        );
        return devices;
    }

    /// <summary>Returns the IPv4 addresses of a device, each with its prefix length.</summary>
    internal IReadOnlyList<(IPAddress Address, int PrefixLength)> Addresses(int index)
    {
        var addresses = new List<(IPAddress, int)>();
        var body = new byte[AddressBodyLength];
        body[0] = (byte)AddressFamily.InterNetwork;
        Exchange(
            RtmGetAddr,
            Dump,
            body,
            (type, message) =>
            {
                if (type != RtmNewAddr || BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(4)) != index)
                {
                    return;
                }
                foreach (var (attribute, value) in Attributes(message[AddressBodyLength..]))
                {
                    if (attribute == IfaLocal)
                    {
                        addresses.Add((new IPAddress(value), message[1]));
                    }
                }
            }
        );
        return addresses;
    }

    /// <summary>Adds an address to a device, which keeps its other addresses. Not an error if the device has it already.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal void AddAddress(int index, IPAddress address, int prefixLength)
    {
        if (ChangeAddress(RtmNewAddr, Create | Exclusive, index, address, prefixLength) is var error && error is not (0 or ErrorExists))
        {
            throw Refused($"address {address}/{prefixLength}", error);
        }
    }

    /// <summary>Removes an address from a device. Not an error if the device does not have it.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal void RemoveAddress(int index, IPAddress address, int prefixLength)
    {
        if (ChangeAddress(RtmDelAddr, 0, index, address, prefixLength) is var error && error is not (0 or ErrorNoAddress))
        {
            throw Refused($"address {address}/{prefixLength}", error);
        }
    }

    /// <summary>Sets a device up or down.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal void SetUp(int index, bool up)
    {
        var body = new byte[LinkBodyLength];
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(8), up ? IffUp : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(12), IffUp);
        if (Exchange(RtmNewLink, Ack, body, (_, _) => { }) is var error && error != 0)
        {
            throw Refused(up ? "up" : "down", error);
        }
    }

    private static IOException Refused(string what, int error) => new($"{what}: {Marshal.GetPInvokeErrorMessage(-error)}");

    private int ChangeAddress(ushort type, ushort flags, int index, IPAddress address, int prefixLength)
    {
        var body = new byte[AddressBodyLength + (3 * 8)];
        (body[0], body[1]) = ((byte)AddressFamily.InterNetwork, (byte)prefixLength);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), index);
        var own = address.GetAddressBytes();
        // RFC 919: the network's bits followed by ones. A network of one or two addresses (RFC 3021) has no broadcast address. It gets the
        // interface's own, which the kernel takes as none.
        var broadcast =
            prefixLength < 31
                ? BinaryPrimitives.ReadUInt32BigEndian(own) | (uint.MaxValue >> prefixLength)
                : BinaryPrimitives.ReadUInt32BigEndian(own);
        var at = AddressBodyLength;
        foreach (var attribute in prefixLength < 31 ? new[] { IfaLocal, IfaAddress, IfaBroadcast } : [IfaLocal, IfaAddress])
        {
            BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(at), 8);
            BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(at + 2), attribute);
            own.CopyTo(body, at + 4);
            if (attribute == IfaBroadcast)
            {
                BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(at + 4), broadcast);
            }
            at += 8;
        }
        return Exchange(type, (ushort)(flags | Ack), body[..at], (_, _) => { });
    }

    /// <summary>Sends a request and reads its responses. Returns the error number of the last one (negative), or 0.</summary>
    private int Exchange(ushort type, ushort flags, byte[] body, Action<ushort, byte[]> each)
    {
        lock (_lock)
        {
            var sequence = ++_sequence;
            var message = new byte[HeaderLength + body.Length];
            BinaryPrimitives.WriteInt32LittleEndian(message, message.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), type);
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), (ushort)(Request | flags));
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), sequence);
            body.CopyTo(message, HeaderLength);
            Talk(() => _requests.Send(message));
            while (true)
            {
                var length = Talk(() => _requests.Receive(_answer));
                for (var at = 0; at + HeaderLength <= length;)
                {
                    var size = BinaryPrimitives.ReadInt32LittleEndian(_answer.AsSpan(at));
                    var answer = BinaryPrimitives.ReadUInt16LittleEndian(_answer.AsSpan(at + 4));
                    if (size < HeaderLength || at + size > length)
                    {
                        throw new IOException("rtnetlink: truncated answer");
                    }
                    if (BinaryPrimitives.ReadUInt32LittleEndian(_answer.AsSpan(at + 8)) == sequence)
                    {
                        switch (answer)
                        {
                            case NlmsgDone:
                                return 0;
                            case NlmsgError:
                                return BinaryPrimitives.ReadInt32LittleEndian(_answer.AsSpan(at + HeaderLength));
                            default:
                                each(answer, _answer[(at + HeaderLength)..(at + size)]);
                                break;
                        }
                    }
                    at += (size + 3) & ~3;
                }
            }
        }
    }

    private static int Talk(Func<int> call)
    {
        try
        {
            return call();
        }
        catch (SocketException error)
        {
            throw new IOException($"rtnetlink: {error.Message}", error);
        }
    }

    private static IEnumerable<(ushort Type, byte[] Value)> Attributes(byte[] bytes)
    {
        for (var at = 0; at + 4 <= bytes.Length;)
        {
            int size = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));
            if (size < 4 || at + size > bytes.Length)
            {
                yield break;
            }
            yield return ((ushort)(BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at + 2)) & 0x3FFF), bytes[(at + 4)..(at + size)]);
            at += (size + 3) & ~3;
        }
    }

    /// <summary>
    /// Watches for changes. The content of a notification is ignored: handlers read the current state, so none can be missed when the
    /// kernel's queue overflows.
    /// </summary>
    private async Task WatchAsync()
    {
        var buffer = new byte[AnswerMax];
        while (true)
        {
            try
            {
                await _news.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
            {
                // Some notifications were lost; the current state must be read all the same.
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException)
            {
                return;
            }
            Changed?.Invoke();
        }
    }
}
