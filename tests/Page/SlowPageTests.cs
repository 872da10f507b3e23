using System.Net.Sockets;
using System.Net.WebSockets;
using Appliance.Firmware.Events;
using Appliance.Hal.Linux;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Page;

/// <summary>Pages that do not read cost the lab a bounded memory, and none when they are gone.</summary>
[Trait("Kind", "Lab")]
public sealed class SlowPageTests
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public async Task Sixty_four_pages_that_do_not_read_hold_less_than_128_MiB_and_give_it_back()
    {
        await using var lab = await TestLab.StartAsync();
        Burst(lab, 10_000);
        Assert.Equal(10_000, lab.EventLines().Count); // The unit keeps the words of an event from when they are first asked for.
        var idle = GC.GetTotalMemory(forceFullCollection: true);
        var pages = new List<ClientWebSocket>();
        // One socket handler for all, whose sockets take little before they are read.
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
            // All events that there are, and what comes then: each page stops at another place of it.
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
        // Buffers go back to their pools at once, and from there within some seconds.
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
