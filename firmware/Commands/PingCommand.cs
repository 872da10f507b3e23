using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute ping</c> between the unit's own interfaces: datagrams there and back, in real time. No ICMP is sent (that needs a privilege),
/// so any other address is one that does not answer; names are not looked up.
/// </summary>
internal sealed class PingCommand(IReadOnlyList<GatedNic> nics)
{
    private const int Count = 5;
    private const int PayloadLength = 56;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    internal CliCommand Command => new("execute ping", "PING command.", Run);

    private CliReply Run(CliCall call)
    {
        switch (call.Arguments)
        {
            case []:
                return new ConfigError(-160, "incomplete command in the end");
            case [_, var extra, ..]:
                return CliPaths.ParseError(extra);
        }
        if (!IPAddress.TryParse(call.Arguments[0], out var address))
        {
            return "Unable to resolve hostname.\n";
        }
        return nics.FirstOrDefault(nic => nic.Addresses.Contains(address)) is { Inner.LinkUp: true } target
            ? new CliReply("") { Later = async cancellationToken => Report(address, await PingAsync(target.Inner, cancellationToken).ConfigureAwait(false)) }
            : Report(address, []);
    }

    private static CliReply Report(IPAddress address, List<double> times)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"PING {address} ({address}): {PayloadLength} data bytes\n");
        for (var at = 0; at < times.Count; at++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{PayloadLength + 8} bytes from {address}: icmp_seq={at} ttl=64 time={times[at]:0.0} ms\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"\n--- {address} ping statistics ---\n{Count} packets transmitted, {times.Count} packets received, {(Count - times.Count) * 100 / Count}% packet loss\n");
        if (times.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"round-trip min/avg/max = {times.Min():0.0}/{times.Average():0.0}/{times.Max():0.0} ms\n");
        }
        return text.ToString();
    }

    /// <summary>The round trips in milliseconds; fewer than were sent when some are lost.</summary>
    private static async Task<List<double>> PingAsync(INic nic, CancellationToken cancellationToken)
    {
        var times = new List<double>(Count);
        await using var here = nic.OpenDatagrams(0);
        await using var there = nic.OpenDatagrams(0);
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var buffer = new byte[PayloadLength];
        try
        {
            for (var sequence = 0; sequence < Count; sequence++)
            {
                var payload = RandomNumberGenerator.GetBytes(PayloadLength);
                var began = Stopwatch.GetTimestamp();
                await here.SendAsync(payload, there.LocalEndPoint, patience.Token).ConfigureAwait(false);
                await there.ReceiveAsync(buffer, patience.Token).ConfigureAwait(false);
                await there.SendAsync(buffer, here.LocalEndPoint, patience.Token).ConfigureAwait(false);
                await here.ReceiveAsync(buffer, patience.Token).ConfigureAwait(false);
                if (buffer.AsSpan().SequenceEqual(payload))
                {
                    times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Lost: what came in time counts.
        }
        return times;
    }
}
