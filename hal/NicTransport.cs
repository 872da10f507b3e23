using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>An endpoint that names a service (<c>ftm</c>, <c>sslvpn</c>, <c>admin</c>): where it listens is the transport's business.</summary>
public sealed class ServiceEndPoint(string service) : EndPoint
{
    /// <summary>The service.</summary>
    public string Service => service;
    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ServiceEndPoint other && other.Service == Service;
    /// <inheritdoc/>
    public override int GetHashCode() => Service.GetHashCode(StringComparison.Ordinal);
    /// <inheritdoc/>
    public override string ToString() => Service;
}

/// <summary>That a service listens on a port of an interface, behind a flag.</summary>
public sealed record Placement(string Service, GatedNic Nic, int Port, AllowAccess Required);

/// <summary>A listener that listens now.</summary>
public sealed record BoundService(string Service, string Nic, IPEndPoint EndPoint);

/// <summary>On every connection: the interface it came in by and the service it came for.</summary>
public interface INicFeature
{
    /// <summary>The interface.</summary>
    GatedNic Nic { get; }
    /// <summary>The service.</summary>
    string Service { get; }
}

/// <summary>A port that could not be taken; nothing changed.</summary>
public sealed class PlacementException(Placement placement, Exception inner) : Exception($"{placement.Service} cannot listen on {placement.Nic.Name}:{placement.Port}: {inner.Message}", inner)
{
    /// <summary>What could not be placed.</summary>
    public Placement Placement => placement;
}

/// <summary>Kestrel's transport over any mix of interfaces. Services move between interfaces and ports while Kestrel runs.</summary>
public sealed class NicTransport : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>What listens now.</summary>
    public IReadOnlyList<BoundService> Bound => throw new NotSupportedException();

    /// <summary>
    /// Makes exactly these placements listen, or throws and leaves all as it was. What is not touched keeps its listener and
    /// its live connections; a placement that goes takes its live connections with it.
    /// </summary>
    /// <exception cref="PlacementException">A port is taken.</exception>
    public void Apply(IReadOnlyCollection<Placement> desired) => throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is ServiceEndPoint;
}
