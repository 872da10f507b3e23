using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Appliance.Doubles.LastHop;

/// <summary>The lab's own MQTT 5 broker, on loopback.</summary>
internal sealed class MqttBroker : IAsyncDisposable
{
    /// <summary>The number of connected clients; a further one is refused with reason code 0x97 (quota exceeded).</summary>
    internal const int ClientsMax = 2000;

    private const int Tries = 10;

    /// <summary>The time in which a client has to send CONNECT.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly MqttServer _server;

    private MqttBroker(MqttServer server, int port) => (_server, Address) = (server, new MqttAddress("127.0.0.1", port));

    /// <summary>The address of the broker.</summary>
    public MqttAddress Address { get; }

    /// <summary>Listens on a free port.</summary>
    /// <param name="clientsMax">The number of connected clients.</param>
    public static async Task<MqttBroker> StartAsync(int clientsMax = ClientsMax)
    {
        for (var tries = 1; ; tries++)
        {
            var port = FreePort();
            var options = new MqttServerOptionsBuilder()
                .WithDefaultEndpoint()
                .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
                .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
                .WithDefaultEndpointPort(port)
                .WithDefaultCommunicationTimeout(Patience)
                .Build();
            var server = new MqttServerFactory().CreateMqttServer(options);
            _ = new DeviceRoutes(server);
            var clients = 0;
            server.ClientConnectedAsync += _ =>
            {
                Interlocked.Increment(ref clients);
                return Task.CompletedTask;
            };
            server.ClientDisconnectedAsync += _ =>
            {
                Interlocked.Decrement(ref clients);
                return Task.CompletedTask;
            };
            server.ValidatingConnectionAsync += asked =>
            {
                // A client without an id is assigned one (MQTT 5, section 3.1.3.1).
                asked.AssignedClientIdentifier = !string.IsNullOrEmpty(asked.ClientId)
                    ? asked.AssignedClientIdentifier
                    : "assigned-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
                if (Volatile.Read(ref clients) >= clientsMax)
                {
                    asked.ReasonCode = MqttConnectReasonCode.QuotaExceeded;
                }
                return Task.CompletedTask;
            };
            try
            {
                await server.StartAsync();
                return new MqttBroker(server, port);
            }
            catch (SocketException) when (tries < Tries)
            {
                // Another process took the port in between. The broker cannot report which port it would get for 0.
                server.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync();
        _server.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
