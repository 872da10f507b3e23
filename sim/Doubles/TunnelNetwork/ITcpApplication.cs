namespace Appliance.Doubles.TunnelNetwork;

/// <summary>A program at the server's end of one TCP connection.</summary>
internal interface ITcpApplication
{
    /// <summary>
    /// Reads from and writes to the connection, as far as both are possible. Called after every event of the connection. Must not block.
    /// </summary>
    void Run(TcpConnection connection);

    /// <summary>Notified once when the connection has closed, in whatever way.</summary>
    void Closed(TcpConnection connection);
}
