using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// An interface behind its access flags. A listener that requires a flag serves only while the flag is set. Withdrawing the flag releases
/// the port and closes that listener's live connections immediately; granting it acquires the port again. Other listeners are not
/// affected.
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

    /// <summary>The name of the interface.</summary>
    public string Name => inner.Name;

    /// <summary>The addresses of the interface.</summary>
    public IReadOnlyList<IPAddress> Addresses => inner.Addresses;

    /// <summary>The flags in force; initially none.</summary>
    public AllowAccess Access
    {
        get
        {
            lock (_lock)
            {
                return _access;
            }
        }
    }

    /// <summary>Changes the flags, all of them or none.</summary>
    /// <exception cref="AddressInUseException">The port of a granted flag is in use; the old flags remain in force.</exception>
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
    /// Listens on a port while the flag is set; <see cref="AllowAccess.None"/> needs no flag. The caller disposes the listener, which
    /// releases the port and leaves accepted connections open.
    /// </summary>
    /// <exception cref="AddressInUseException">The port is in use and the flag is set.</exception>
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
                gate.Listener.AbortConnections("the interface was removed");
            }
            _gates.Clear();
        }
    }

    internal Gate OpenGate(int port, AllowAccess required, ConnectionLimit? limit = null)
    {
        var listener = new SwitchedListener(port, inner.Listen, limit)
        {
            Tapped = tap is null ? null : accepted => tap.Over(Name, accepted, isInbound: true),
        };
        var gate = new Gate(listener, required);
        Open(gate);
        return gate;
    }

    /// <summary>Adds a gate.</summary>
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

    /// <summary>Removes a gate: its port is released, its connections stay open until they are aborted.</summary>
    internal void Close(Gate gate)
    {
        lock (_lock)
        {
            _gates.Remove(gate);
            gate.Listener.SwitchOff();
        }
    }

    /// <summary>A listener and the flag that it requires.</summary>
    internal sealed class Gate(SwitchedListener listener, AllowAccess required)
    {
        internal SwitchedListener Listener => listener;

        internal bool IsOpenWith(AllowAccess access) => (access & required) == required;
    }

    private sealed class Handle(GatedNic nic, Gate gate) : IConnectionListener
    {
        public EndPoint EndPoint => gate.Listener.EndPoint;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            gate.Listener.AcceptAsync(cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            nic.Close(gate);
            return gate.Listener.UnbindAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
