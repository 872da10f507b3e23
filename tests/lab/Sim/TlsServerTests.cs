using System.Net.Sockets;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Providers;
using Appliance.Tests.EndToEnd;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The listener of the push proxy and of the provider doubles.</summary>
public sealed class TlsServerTests
{
    [Fact]
    public async Task The_257th_connection_closes_the_least_recently_useful_one()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-tls-");
        using var keys = ProviderKeys.Open(folder.FullName, LabClock.Wall);
        await using (
            var server = await TlsServer.StartAsync(
                0,
                keys.For("test", "localhost"),
                HttpProtocols.Http1,
                context => context.Response.WriteAsync("served")
            )
        )
        {
            var held = new List<TcpClient>();
            for (var number = 0; number < 256; number++)
            {
                held.Add(await ConnectAsync(server));
            }
            // None is closed for these 256: nothing can be read, not even an end.
            Assert.DoesNotContain(held, client => client.Client.Poll(0, SelectMode.SelectRead));
            held.Add(await ConnectAsync(server));
            await Until.TrueAsync(() => held[0].Client.Poll(0, SelectMode.SelectRead), "the end of the first connection");
            Assert.DoesNotContain(held.Skip(1), client => client.Client.Poll(0, SelectMode.SelectRead));
            held.ForEach(client => client.Dispose());
        }
        folder.Delete(recursive: true);
    }

    private static async Task<TcpClient> ConnectAsync(TlsServer server)
    {
        var client = new TcpClient();
        await client.ConnectAsync(server.EndPoint);
        return client;
    }
}
