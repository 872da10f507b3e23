using Appliance.Hal;

namespace Appliance.Firmware;

/// <summary>How the connections of a unit are shared out among its services, each over all its listeners.</summary>
/// <param name="connections">How many connections the unit may hold; at least 12.</param>
internal sealed class ServiceLimits(int connections)
{
    private const int CallbackPerSource = 64;
    private const int CallbackMost = 2000;
    private const int AdminMost = 1000;
    private const int Least = 4;

    /// <summary>Of the callback: any phone may call it, and a call takes a moment.</summary>
    internal ConnectionLimit Callback { get; } = new(CallbackPerSource, CallbackTotal(connections));

    /// <summary>Of the administrators' page.</summary>
    internal ConnectionLimit Admin { get; } = new(AdminTotal(connections), AdminTotal(connections));

    /// <summary>Of the SSL VPN: all that is left. Many clients may share an address.</summary>
    internal ConnectionLimit SslVpn { get; } = new(SslVpnTotal(connections), SslVpnTotal(connections));

    private static int CallbackTotal(int connections) => Math.Clamp(connections / 4, Least, CallbackMost);

    private static int AdminTotal(int connections) => Math.Clamp(connections / 8, Least, AdminMost);

    private static int SslVpnTotal(int connections) => connections - CallbackTotal(connections) - AdminTotal(connections);
}
