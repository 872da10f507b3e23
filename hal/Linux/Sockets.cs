using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Appliance.Hal.Linux;

/// <summary>The only code that creates sockets.</summary>
internal static partial class Sockets
{
    private const int AddressFamilyNetlink = 16;
    private const int TypeRaw = 3;
    private const int CloseOnExec = 0x80000;

    /// <summary>Creates a socket of an address family that the platform supports.</summary>
    internal static Socket New(AddressFamily family, SocketType type, ProtocolType protocol)
    {
#pragma warning disable RS0030 // The only place that creates sockets.
        return new Socket(family, type, protocol);
#pragma warning restore RS0030
    }

    /// <summary>Creates and binds a socket of rtnetlink(7), which receives the messages of some groups.</summary>
    /// <exception cref="IOException">The kernel provides none.</exception>
    internal static Socket NewNetlink(uint groups)
    {
        var descriptor = OpenSocket(AddressFamilyNetlink, TypeRaw | CloseOnExec, 0);
        if (descriptor < 0)
        {
            throw new IOException($"rtnetlink: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        // struct sockaddr_nl: family, padding, port (the kernel's choice), groups.
        Span<byte> address = stackalloc byte[12];
        MemoryMarshal.Write(address, (ushort)AddressFamilyNetlink);
        MemoryMarshal.Write(address[8..], groups);
        if (BindSocket(descriptor, address, address.Length) < 0)
        {
            socket.Dispose();
            throw new IOException($"rtnetlink: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        return socket;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int BindSocket(int descriptor, ReadOnlySpan<byte> address, int length);
}
