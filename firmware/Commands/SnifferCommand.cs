using System.Globalization;
using System.Net;
using System.Threading.Channels;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Text;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose sniffer packet IF 'FILTER' LEVEL COUNT [a|l] [SIZE]</c>: displays the packets of the unit's own sockets. Levels: 1 headers,
/// 2 and 3 with the data from the IP or Ethernet header on, 4 to 6 the same with the interface. Headers that a socket does not have are
/// built (<see cref="SnifferFrame"/>).
/// </summary>
internal sealed class SnifferCommand(PacketTap tap, IReadOnlyList<GatedNic> nics, TimeProvider time) : ICommandSource
{
    /// <summary>The maximum number of packets pending for display; more are dropped and counted.</summary>
    private const int WaitingMax = 4096;
    private const int SizeMax = 65_535;

    public IReadOnlyList<CliCommand> Commands =>
        [
            // It shows the data of every connection, so it needs write access.
            new(
                "diagnose sniffer packet",
                "Packet sniffer: INTERFACE 'FILTER' LEVEL COUNT [a|l] [SIZE].",
                Permissions.Network.Write,
                new CliArguments(1, 6),
                Run
            ),
        ];

    private CliReply Run(CliCall call)
    {
        var words = call.Arguments;
        if (words[0] != "any" && nics.All(nic => nic.Name != words[0]))
        {
            return CliPaths.ParseError(words[0]);
        }
        var filter = words.Count > 1 ? words[1] : "none";
        if (SnifferFilter.Read(filter, out var wrong) is not { } passes)
        {
            return CliPaths.ParseError(wrong);
        }
        var (level, count, stamp, size) = (1, 0, "", SizeMax);
        if (words.Count > 2 && (!TryNumber(words[2], out level) || level is < 1 or > 6))
        {
            return CliPaths.ParseError(words[2]);
        }
        if (words.Count > 3 && !TryNumber(words[3], out count))
        {
            return CliPaths.ParseError(words[3]);
        }
        stamp = words.Count > 4 ? words[4] : "";
        if (words.Count > 5 && (!TryNumber(words[5], out size) || size > SizeMax))
        {
            return CliPaths.ParseError(words[5]);
        }
        var request = new Request(
            words[0],
            filter.Length > 0 ? filter : "none",
            passes,
            level,
            count,
            stamp is ['a' or 'l'] ? stamp[0] : ' ',
            size == 0 ? SizeMax : size
        );
        return new CliReply("") { Stream = (show, stop) => SniffAsync(request, show, stop) };
    }

    private static bool TryNumber(string word, out int number) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private async Task<CliReply> SniffAsync(Request request, Action<string> show, CancellationToken stop)
    {
        var waiting = Channel.CreateBounded<(DateTimeOffset At, SeenPacket Packet)>(
            new BoundedChannelOptions(WaitingMax) { SingleReader = true }
        );
        var (received, dropped, shown) = (0, 0, 0);
        var began = time.GetUtcNow();
        using (
            tap.Listen(packet =>
            {
                if ((request.Nic == "any" || packet.Nic == request.Nic) && request.Passes(packet))
                {
                    Interlocked.Increment(ref received);
                    if (!waiting.Writer.TryWrite((time.GetUtcNow(), packet)))
                    {
                        Interlocked.Increment(ref dropped);
                    }
                }
            })
        )
        {
            show($"interfaces=[{request.Nic}]\nfilters=[{ControlCharacters.Mask(request.Filter)}]\n");
            do
            {
                while ((request.Count == 0 || shown < request.Count) && waiting.Reader.TryRead(out var next))
                {
                    show(Text(request, next.At, began, next.Packet));
                    shown++;
                }
            } while ((request.Count == 0 || shown < request.Count) && await MoreAsync(waiting.Reader, stop).ConfigureAwait(false));
        }
        var counted = request.Count > 0 ? Math.Min(received, request.Count) : received;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"\n{counted} packets received by filter\n{dropped} packets dropped by kernel\n"
        );
    }

    /// <summary>Waits for packets. Returns false once the capture has ended or was stopped.</summary>
    private static async Task<bool> MoreAsync(ChannelReader<(DateTimeOffset, SeenPacket)> waiting, CancellationToken stop)
    {
        try
        {
            return await waiting.WaitToReadAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static string Text(Request request, DateTimeOffset at, DateTimeOffset began, SeenPacket packet)
    {
        // The unit's clock is UTC: absolute and local time are the same.
        var stamp =
            request.Stamp == ' '
                ? (at - began).TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture)
                : at.ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);
        var where = request.Level >= 4 ? $" {packet.Nic} {(packet.IsInbound ? "in" : "out")}" : "";
        var text = $"{stamp}{where} {End(packet.Source)} -> {End(packet.Target)}: {Word(packet)}\n";
        if (request.Level is 1 or 4)
        {
            return text;
        }
        var frame = SnifferFrame.Of(packet).AsSpan();
        frame = request.Level is 2 or 5 ? frame[SnifferFrame.EthernetLength..] : frame;
        return text + SnifferFrame.Dump(frame[..Math.Min(frame.Length, request.Size)]);
    }

    private static string End(IPEndPoint end) => string.Create(CultureInfo.InvariantCulture, $"{end.Address}.{end.Port}");

    private static string Word(SeenPacket packet)
    {
        var (sequence, acknowledged) = (
            packet.Sequence.ToString(CultureInfo.InvariantCulture),
            packet.Acknowledged.ToString(CultureInfo.InvariantCulture)
        );
        return packet.Kind switch
        {
            SegmentKind.Datagram => string.Create(CultureInfo.InvariantCulture, $"udp {packet.Payload.Length}"),
            SegmentKind.Syn => $"syn {sequence}",
            SegmentKind.SynAck => $"syn {sequence} ack {acknowledged}",
            SegmentKind.Ack => $"ack {acknowledged}",
            SegmentKind.Fin => $"fin {sequence} ack {acknowledged}",
            SegmentKind.Reset => $"rst {sequence} ack {acknowledged}",
            _ => $"psh {sequence} ack {acknowledged}",
        };
    }

    private sealed record Request(string Nic, string Filter, Func<SeenPacket, bool> Passes, int Level, int Count, char Stamp, int Size);
}
