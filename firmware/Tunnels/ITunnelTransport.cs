namespace Appliance.Firmware.Tunnels;

/// <summary>Carries the frames of one tunnel to its client. Implementations: TLS and DTLS. All members may be called from any thread.</summary>
internal interface ITunnelTransport
{
    /// <summary>The transport's name in events and lists: <c>TLS</c> or <c>DTLS</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Queues a packet. Returns immediately: a packet that does not fit into the queue is lost, as in a router.
    /// </summary>
    /// <param name="protocol">The PPP protocol number.</param>
    /// <param name="body">The packet behind it; valid until the call returns.</param>
    /// <returns>False if the packet was lost.</returns>
    bool TryQueue(ushort protocol, ReadOnlySpan<byte> body);

    /// <summary>Closes the transport after the queued packets were sent. Further packets are lost.</summary>
    void Close();
}
