using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute ping</c> and <c>execute traceroute</c> between the unit's own interfaces: datagrams in both directions, in real time. No ICMP
/// is sent, because that needs a privilege, so any other address does not answer. Names are not resolved.
/// </summary>
internal sealed class PingCommand(IReadOnlyList<GatedNic> nics) : ICommandSource
{
    private const int HopsMax = 32;
    private const int ProbesPerHop = 3;
    private const int TracerouteBytes = 84;
    private const int TracerouteSeconds = 3;

    private readonly PingOptions _options = new(nics);

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("execute ping", "PING command.", Permissions.Network.Read, CliArguments.One, Ping),
            .. _options.Commands,
            new("execute traceroute", "Traceroute {IP|hostname}.", Permissions.Network.Read, CliArguments.One, Traceroute),
        ];

    private CliReply Ping(CliCall call)
    {
        if (Target(call, out var address) is { } wrong)
        {
            return wrong;
        }
        var options = _options.Of(call.Session);
        var (count, size) = (options.Repeat, options.Size);
        return Answering(address) is { } target
            ? new CliReply("")
            {
                Later = async stop =>
                    Report(
                        address,
                        count,
                        size,
                        await ProbeAsync(SourceOf(options, target), target.Inner, count, size, TimeSpan.FromSeconds(options.Timeout), stop)
                            .ConfigureAwait(false)
                    ),
            }
            : Report(address, count, size, []);
    }

    private CliReply Traceroute(CliCall call)
    {
        if (Target(call, out var address) is { } wrong)
        {
            return wrong;
        }
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"traceroute to {address} ({address}), {HopsMax} hops max, {ProbesPerHop} probe packets per hop, {TracerouteBytes} byte packets\n"
        );
        if (Answering(address) is { } target)
        {
            return new CliReply("")
            {
                Later = async stop =>
                {
                    var times = await ProbeAsync(
                            target.Inner,
                            target.Inner,
                            ProbesPerHop,
                            TracerouteBytes - 28,
                            TimeSpan.FromSeconds(TracerouteSeconds),
                            stop
                        )
                        .ConfigureAwait(false);
                    return head + Hop(1, address, times);
                },
            };
        }
        return head + string.Concat(Enumerable.Range(1, HopsMax).Select(hop => Hop(hop, address, [])));
    }

    private static CliReply? Target(CliCall call, out IPAddress address)
    {
        address = IPAddress.None;
        return IPAddress.TryParse(call.Arguments[0], out address!) ? (CliReply?)null : "Unable to resolve hostname.\n";
    }

    private GatedNic? Answering(IPAddress address) =>
        nics.FirstOrDefault(nic => nic.Addresses.Contains(address)) is { Inner.LinkUp: true } target ? target : null;

    /// <summary>Returns the interface of the source address. Without one, or while it is down, the target's own interface.</summary>
    private INic SourceOf(PingOptions.Values options, GatedNic target) =>
        options.Source is { } source && nics.FirstOrDefault(nic => nic.Addresses.Contains(source)) is { Inner: { LinkUp: true } inner }
            ? inner
            : target.Inner;

    private static CliReply Report(IPAddress address, int count, int size, List<double> times)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"PING {address} ({address}): {size} data bytes\n");
        for (var at = 0; at < times.Count; at++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{size + 8} bytes from {address}: icmp_seq={at} ttl=64 time={times[at]:0.0} ms\n");
        }
        text.Append(
            CultureInfo.InvariantCulture,
            $"\n--- {address} ping statistics ---\n{count} packets transmitted, {times.Count} packets received, {(count - times.Count) * 100 / count}% packet loss\n"
        );
        if (times.Count > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"round-trip min/avg/max = {times.Min():0.0}/{times.Average():0.0}/{times.Max():0.0} ms\n"
            );
        }
        return text.ToString();
    }

    /// <summary>Formats one line of a trace; an asterisk stands for a probe without an answer.</summary>
    private static string Hop(int number, IPAddress address, List<double> times)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{number,2} ");
        text.Append(times.Count > 0 ? $" {address}" : "");
        for (var probe = 0; probe < ProbesPerHop; probe++)
        {
            text.Append(probe < times.Count ? string.Create(CultureInfo.InvariantCulture, $"  {times[probe]:0.000} ms") : " *");
        }
        return text.Append('\n').ToString();
    }

    /// <summary>Measures the round trips, in milliseconds. A lost probe has no entry.</summary>
    private static async Task<List<double>> ProbeAsync(
        INic from,
        INic to,
        int count,
        int size,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var times = new List<double>(count);
        var here = from.OpenDatagrams(0);
        await using var closingHere = here.ConfigureAwait(false);
        var there = to.OpenDatagrams(0);
        await using var closingThere = there.ConfigureAwait(false);
        using var deadline = new CancellationTokenSource(timeout, TimeProvider.System);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var buffer = new byte[Math.Max(1, size)];
        try
        {
            for (var sequence = 0; sequence < count; sequence++)
            {
                deadline.CancelAfter(timeout);
                var payload = RandomNumberGenerator.GetBytes(size);
                var began = Stopwatch.GetTimestamp();
                await here.SendAsync(payload, there.LocalEndPoint, patience.Token).ConfigureAwait(false);
                await there.ReceiveAsync(buffer, patience.Token).ConfigureAwait(false);
                await there.SendAsync(buffer, here.LocalEndPoint, patience.Token).ConfigureAwait(false);
                await here.ReceiveAsync(buffer, patience.Token).ConfigureAwait(false);
                if (buffer.AsSpan(0, size).SequenceEqual(payload))
                {
                    times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The rest is lost; the answers that arrived in time count.
        }
        return times;
    }
}
