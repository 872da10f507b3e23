using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// An interface behind its access flags. A listener that requires a flag serves only while the flag is there; withdrawing it
/// frees the port and ends that listener's live connections at once, granting it takes the port again; nothing else notices.
/// </summary>
public sealed class GatedNic(INic inner) : IDisposable
{
    /// <summary>The interface behind the gate.</summary>
    public INic Inner => inner;
    /// <summary>Its name.</summary>
    public string Name => inner.Name;
    /// <summary>Its addresses.</summary>
    public IReadOnlyList<IPAddress> Addresses => inner.Addresses;
    /// <summary>The flags in force.</summary>
    public AllowAccess Access { get; }

    /// <summary>Changes the flags; all or nothing.</summary>
    /// <exception cref="AddressInUseException">A granted flag's port is taken; the old flags are in force.</exception>
    public void SetAccess(AllowAccess access) => throw new NotSupportedException();

    /// <summary>Frees everything that listens through this gate.</summary>
    public void Dispose() { }
}
