using System.Net;
using Appliance.Doubles.Nics;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Tests.Hal;

public sealed class SimNicTests : NicContract
{
    private protected override (NicBase Server, NicBase Client) NewPair() => Pair();

    internal static (SimNic, SimNic) Pair()
    {
        var network = new SimNetwork();
        return (new SimNic(network, "port1", IPAddress.Parse("10.0.0.1")), new SimNic(network, "port2", IPAddress.Parse("10.0.0.2")));
    }
}

public sealed class SocketNicTests : NicContract
{
    private static int _next;

    private protected override (NicBase Server, NicBase Client) NewPair() => Pair();

    internal static (SocketNic, SocketNic) Pair()
    {
        // Addresses by process and pair, so that no other listener on this machine is reached.
        var number = (Environment.ProcessId * 256) + Interlocked.Increment(ref _next);
        var network = $"127.{250 + (number / 62_500 % 4)}.{1 + (number / 250 % 250)}";
        return (
            new SocketNic("port1", IPAddress.Parse($"{network}.{1 + (number % 120)}")),
            new SocketNic("port2", IPAddress.Parse($"{network}.{130 + (number % 120)}"))
        );
    }
}
