using System.Net.Sockets;

namespace Appliance.Tests;

/// <summary>
/// A network 127.x.y.0/24 for one test. No other test in this network namespace has it, in this process or in another one, until it is
/// disposed or its process ends: the abstract Unix socket of its name is the claim.
/// </summary>
internal sealed class LoopbackNetwork : IDisposable
{
    private const int FirstSecondByte = 60;
    private const int SecondBytes = 190;
    private const int ThirdBytes = 250;
    private static int _next = Environment.ProcessId * 64;
    private readonly Socket _claim;

    private LoopbackNetwork(string prefix, Socket claim) => (Prefix, _claim) = (prefix, claim);

    /// <summary>The first three bytes, such as <c>127.61.7</c>.</summary>
    internal string Prefix { get; }

    /// <summary>Claims a network.</summary>
    /// <exception cref="InvalidOperationException">All networks are claimed.</exception>
    internal static LoopbackNetwork Claim()
    {
        for (var tried = 0; tried < SecondBytes * ThirdBytes; tried++)
        {
            var number = (int)((uint)Interlocked.Increment(ref _next) % (SecondBytes * ThirdBytes));
            var prefix = $"127.{FirstSecondByte + (number / ThirdBytes)}.{1 + (number % ThirdBytes)}";
#pragma warning disable RS0030 // Not a socket of the product: no data is sent over it.
            var claim = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
#pragma warning restore RS0030
            try
            {
                claim.Bind(new UnixDomainSocketEndPoint("\0appliance-test-" + prefix));
                return new LoopbackNetwork(prefix, claim);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                claim.Dispose();
            }
        }
        throw new InvalidOperationException("every loopback network is claimed");
    }

    public void Dispose() => _claim.Dispose();
}
