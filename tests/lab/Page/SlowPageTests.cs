using System.Net.Sockets;
using System.Net.WebSockets;
using Appliance.Firmware.Events;
using Appliance.Hal.Linux;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Page;

/// <summary>Pages that do not read use a bounded amount of memory, and none after they are gone.</summary>
public sealed class SlowPageTests
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public async Task Sixty_four_pages_that_do_not_read_hold_less_than_128_MiB_and_give_it_back()
    {
        await using var lab = await TestLab.StartAsync();
        Burst(lab, 10_000);
        Assert.Equal(10_000, lab.EventLines().Count); // The unit keeps the text of an event from its first read on.
        var idle = GC.GetTotalMemory(forceFullCollection: true);
        var pages = new List<ClientWebSocket>();
        // One socket handler for all; its sockets use little memory before they are read.
        using var invoker = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellationToken) =>
                {
                    var socket = Sockets.New(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    socket.ReceiveBufferSize = 4096;
                    await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            }
        );
        for (var page = 0; page < 64; page++)
        {
            var socket = new ClientWebSocket();
            // All events so far and those that follow: each page stops at another one of them.
            await socket.ConnectAsync(
                new Uri($"ws://{lab.Api.BaseAddress!.Authority}/lab/stream?epoch=0123456789abcdef&seq=1&event=0"),
                invoker,
                CancellationToken.None
            );
            pages.Add(socket);
            Burst(lab, 200);
        }
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - idle, long.MinValue, 128 * MiB);
        pages.ForEach(page => page.Abort());
        // Buffers return to their pools immediately, and are freed within some seconds.
        await Until.TrueAsync(() => GC.GetTotalMemory(forceFullCollection: true) - idle < 48 * MiB, "the memory of the pages");
        pages.ForEach(page => page.Dispose());
    }

    private static void Burst(TestLab lab, int count)
    {
        for (var index = 0; index < count; index++)
        {
            lab.Unit.Faults.Get().WriteEvent(
                new EventEntry(
                    "0199000002",
                    "lab",
                    EventLevel.Information,
                    "Test",
                    ("msg", $"event {index} of a burst {new string('x', 1200)}")
                )
            );
        }
    }
}
