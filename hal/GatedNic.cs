using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// An interface behind its access flags. A listener that requires a flag serves only while the flag is there; withdrawing it
/// frees the port and ends that listener's live connections at once, granting it takes the port again; nothing else notices.
/// </summary>
/// <param name="inner">The interface behind the gate.</param>
/// <param name="tap">Sees the packets of what is served; null for none.</param>
public sealed class GatedNic(INic inner, PacketTap? tap = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Gate> _gates = [];
    private AllowAccess _access;

    /// <summary>The interface behind the gate.</summary>
    public INic Inner => inner;
    /// <summary>Its name.</summary>
    public string Name => inner.Name;
    /// <summary>Its addresses.</summary>
    public IReadOnlyList<IPAddress> Addresses => inner.Addresses;
    /// <summary>The flags in force; none at first.</summary>
    public AllowAccess Access { get { lock (_lock) { return _access; } } }

    /// <summary>Changes the flags; all or nothing.</summary>
    /// <exception cref="AddressInUseException">A granted flag's port is taken; the old flags are in force.</exception>
    public void SetAccess(AllowAccess access)
    {
        lock (_lock)
        {
            var closing = _gates.Where(gate => gate.Listener.IsOn && !gate.IsOpenWith(access)).ToList();
            closing.ForEach(gate => gate.Listener.SwitchOff());
            var opened = new List<Gate>();
            try
            {
                foreach (var gate in _gates.Where(gate => !gate.Listener.IsOn && gate.IsOpenWith(access)))
                {
                    gate.Listener.SwitchOn();
                    opened.Add(gate);
                }
            }
            catch (AddressInUseException)
            {
                opened.ForEach(gate => gate.Listener.SwitchOff());
                closing.ForEach(gate => gate.Listener.SwitchOn());
                throw;
            }
            _access = access;
            closing.ForEach(gate => gate.Listener.AbortConnections("access was withdrawn"));
        }
    }

    /// <summary>
    /// Listens on a port while the flag is there; <see cref="AllowAccess.None"/> needs no flag. The caller disposes the listener: that
    /// frees the port and leaves accepted connections alone.
    /// </summary>
    /// <exception cref="AddressInUseException">The port is taken, and the flag is there.</exception>
    public IConnectionListener Listen(int port, AllowAccess required)
    {
        var gate = OpenGate(port, required);
        return new Handle(this, gate);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var gate in _gates)
            {
                gate.Listener.End();
                gate.Listener.AbortConnections("the interface is gone");
            }
            _gates.Clear();
        }
    }

    internal Gate OpenGate(int port, AllowAccess required, ConnectionLimit? limit = null)
    {
        var listener = new SwitchedListener(port, inner.Listen, limit) { Tapped = tap is null ? null : accepted => tap.Over(Name, accepted, isInbound: true) };
        var gate = new Gate(listener, required);
        Open(gate);
        return gate;
    }

    /// <summary>Puts a gate in place, again or for the first time.</summary>
    internal void Open(Gate gate)
    {
        lock (_lock)
        {
            if (gate.IsOpenWith(_access))
            {
                gate.Listener.SwitchOn();
            }
            _gates.Add(gate);
        }
    }

    /// <summary>Takes a gate away: its port is free, its connections live on until they are aborted.</summary>
    internal void Close(Gate gate)
    {
        lock (_lock)
        {
            _gates.Remove(gate);
            gate.Listener.SwitchOff();
        }
    }

    /// <summary>A listener and the flag that it needs.</summary>
    internal sealed class Gate(SwitchedListener listener, AllowAccess required)
    {
        internal SwitchedListener Listener => listener;

        internal bool IsOpenWith(AllowAccess access) => (access & required) == required;
    }

    private sealed class Handle(GatedNic nic, Gate gate) : IConnectionListener
    {
        public EndPoint EndPoint => gate.Listener.EndPoint;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => gate.Listener.AcceptAsync(cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            nic.Close(gate);
            return gate.Listener.UnbindAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
