using Appliance.Hal;

namespace Appliance.Firmware.Network;

/// <summary>The division of a unit's connections among its services. Each limit covers all listeners of its service.</summary>
/// <param name="connections">The maximum number of connections of the unit; at least 12.</param>
internal sealed class ServiceLimits(int connections)
{
    private const int CallbackPerSource = 64;
    private const int CallbackMost = 2000;
    private const int AdminMost = 1000;
    private const int Least = 4;

    /// <summary>The limit of the callback. Any phone may call it, and a call is short.</summary>
    internal ConnectionLimit Callback { get; } = new(CallbackPerSource, CallbackTotal(connections));

    /// <summary>The limit of the administrators' page.</summary>
    internal ConnectionLimit Admin { get; } = new(AdminTotal(connections), AdminTotal(connections));

    /// <summary>The limit of the SSL VPN: the remainder. Many clients may share an address.</summary>
    internal ConnectionLimit SslVpn { get; } = new(SslVpnTotal(connections), SslVpnTotal(connections));

    private static int CallbackTotal(int connections) => Math.Clamp(connections / 4, Least, CallbackMost);

    private static int AdminTotal(int connections) => Math.Clamp(connections / 8, Least, AdminMost);

    private static int SslVpnTotal(int connections) => connections - CallbackTotal(connections) - AdminTotal(connections);
}
