using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Appliance.Hal.Linux;

/// <summary>
/// A batch of datagrams: one system call receives all that are pending, another sends all replies (recvmmsg(2), sendmmsg(2)). Under load
/// this costs both ends less than one call each, which puts a thread to sleep and wakes it between any two. Not thread-safe.
/// </summary>
internal sealed unsafe partial class DatagramBatch
{
    /// <summary>The maximum number of datagrams; the rest stays in the socket's queue.</summary>
    internal const int Size = 32;

    private const int AddressLength = 28; // sockaddr_in6, the longer of the two
    private const int WaitForOne = 0x10000; // MSG_WAITFORONE
    private readonly int _lengthMax;
    private readonly byte[] _payloads;
    private readonly byte[] _addresses = GC.AllocateArray<byte>(Size * AddressLength, pinned: true);
    private readonly Vector[] _vectors = GC.AllocateArray<Vector>(Size, pinned: true);
    private readonly Message[] _messages = GC.AllocateArray<Message>(Size, pinned: true);
    private int _count;

    /// <param name="lengthMax">The maximum length in bytes; a longer datagram is truncated.</param>
    internal DatagramBatch(int lengthMax)
    {
        _lengthMax = lengthMax;
        _payloads = GC.AllocateArray<byte>(Size * lengthMax, pinned: true);
        for (var index = 0; index < Size; index++)
        {
            _vectors[index].Base = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_payloads, index * lengthMax);
            _messages[index].Header.Vectors = (Vector*)Marshal.UnsafeAddrOfPinnedArrayElement(_vectors, index);
            _messages[index].Header.VectorCount = 1;
            _messages[index].Header.Name = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_addresses, index * AddressLength);
        }
    }

    /// <summary>The number of datagrams that were received or are to be sent.</summary>
    internal int Count => _count;

    /// <summary>
    /// Waits for one datagram and receives those that are pending with it. Returns false if none was received, for any reason.
    /// </summary>
    internal bool Receive(SafeSocketHandle socket)
    {
        for (var index = 0; index < Size; index++)
        {
            _vectors[index].Length = (nuint)_lengthMax;
            _messages[index].Header.NameLength = AddressLength;
        }
        _count = Math.Max(0, ReceiveMessages(socket, (Message*)Marshal.UnsafeAddrOfPinnedArrayElement(_messages, 0), Size, WaitForOne, 0));
        return _count > 0;
    }

    /// <summary>Returns the payload of a received datagram.</summary>
    internal ReadOnlySpan<byte> Payload(int index) =>
        _payloads.AsSpan(index * _lengthMax, (int)Math.Min(_messages[index].Length, (uint)_lengthMax));

    /// <summary>Returns the sockaddr of a received datagram's sender.</summary>
    internal ReadOnlySpan<byte> Address(int index) =>
        _addresses.AsSpan(index * AddressLength, (int)Math.Min(_messages[index].Header.NameLength, AddressLength));

    /// <summary>Adds a datagram to be sent. Returns false if it is too long or the batch is full.</summary>
    internal bool Add(ReadOnlySpan<byte> payload, SocketAddress to)
    {
        if (_count == Size || payload.Length > _lengthMax)
        {
            return false;
        }
        payload.CopyTo(_payloads.AsSpan(_count * _lengthMax));
        to.Buffer.Span[..to.Size].CopyTo(_addresses.AsSpan(_count * AddressLength));
        _vectors[_count].Length = (nuint)payload.Length;
        _messages[_count].Header.NameLength = (uint)to.Size;
        _count++;
        return true;
    }

    /// <summary>Sends all datagrams that were added. One that cannot be sent is lost, as datagrams may be.</summary>
    internal void Send(SafeSocketHandle socket)
    {
        for (var first = 0; first < _count;)
        {
            // Less than one: the first of them cannot be sent and is skipped.
            first += Math.Max(
                1,
                SendMessages(socket, (Message*)Marshal.UnsafeAddrOfPinnedArrayElement(_messages, first), (uint)(_count - first), 0)
            );
        }
        _count = 0;
    }

    [LibraryImport("libc", EntryPoint = "recvmmsg")]
    private static partial int ReceiveMessages(SafeSocketHandle socket, Message* messages, uint count, int flags, nint timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg")]
    private static partial int SendMessages(SafeSocketHandle socket, Message* messages, uint count, int flags);

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        internal byte* Base;
        internal nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        internal byte* Name;
        internal uint NameLength;
        internal Vector* Vectors;
        internal nuint VectorCount;
        internal byte* Control;
        internal nuint ControlLength;
        internal int Flags;
    }

    /// <summary>struct mmsghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        internal Header Header;
        internal uint Length;
    }
}
