using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Config;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Api;
using Appliance.Lab.Composition;
using Appliance.Lab.Console;
using Appliance.Lab.Remote;
using Appliance.Link;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab;

/// <summary>What <c>up --box</c> was asked for.</summary>
/// <param name="Place">Where the unit is.</param>
/// <param name="State">The folder of the console's socket; the unit's state is its own.</param>
/// <param name="LabPort">Port of the lab API; 0 takes a free one.</param>
/// <param name="LabListen">Where phones of the network find their card, by HTTPS; null for nowhere.</param>
internal sealed record BoxLabOptions(RemoteEndpoint Place, string State, int LabPort, IPEndPoint? LabListen = null);

/// <summary>The lab around a unit that is elsewhere: phones and the ways in are here, all else is there.</summary>
internal sealed partial class Laboratory
{
    /// <summary>Returns when the unit is up and every way in is open.</summary>
    /// <exception cref="LabFailure">Something the operator can mend.</exception>
    public static Task<Laboratory> StartAsync(BoxLabOptions options, ILoggerFactory logs, CancellationToken cancellationToken) =>
        StartAsync(lab => lab.BringUpAsync(options, logs, cancellationToken));

    private async Task BringUpAsync(BoxLabOptions options, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var (log, place) = (logs.CreateLogger("lab"), options.Place);
        // Another lab of this folder keeps its link.
        var state = Own(StateFolder.Open(options.State));
        Clock = Own(LabClock.Open(null, ClockRate.Real));
        var air = new SocketNic("phones", place.Controller);
        var phones = Own(
            new PhoneFleet(Clock, log, async (remote, calledOff) => new ConnectionStream(await air.ConnectAsync(remote, calledOff)))
        );
        Api = Own(
            await LabApi.StartAsync(
                options.LabPort,
                Clock,
                phones,
                log,
                lan: options.LabListen,
                cancellationToken: cancellationToken,
                listeners: new LabListeners(LabConnections.Share().Lab)
            )
        );
        var cloud = new PushCloud(phones, Clock);
        var unit = Own(
            await RemoteUnit.StartAsync(
                place,
                board => ConfigurationOf(board, place.Network),
                Personality.Default.Name,
                push => cloud.SendAsync(push, CancellationToken.None).AsTask()
            )
        );
        Unit = unit;
        Api.Page.Board = place.Name;
        Api.Panel = unit.Panel;
        phones.Attach(unit);
        Own(ConsoleSocket.Listen(state.Path, unit, log));
        unit.GoingDown += Api.Detach;
        unit.Up += () => Api.Attach(unit);
        unit.Off += SwitchOff;
        Api.Attach(unit);
        // What happened before anybody heard of it is heard now.
        unit.Follow();
    }

    /// <summary>The ready-made lab with the addresses of a network, or with those that the box's own board has.</summary>
    private static string ConfigurationOf(LinkBoard told, string? network)
    {
        var board = new Board(
            told.Board,
            [.. told.Nics.Select(nic => new BoardNic(nic.Name, IPAddress.Parse(nic.Address), nic.PrefixLength))]
        );
        if (network is not null)
        {
            return LabBoard.DefaultConfiguration(
                board with
                {
                    Nics =
                    [
                        .. board.Nics.Select((nic, at) => nic with { Address = IPAddress.Parse($"{network}.{at + 1}"), PrefixLength = 32 }),
                    ],
                },
                null
            );
        }
        var text = LabBoard.DefaultConfiguration(board, null);
        foreach (var nic in told.Nics)
        {
            text = text.Replace(
                $"set ip {nic.Address} 255.255.255.255",
                $"set ip {nic.Address} {MaskOf(nic.PrefixLength)}",
                StringComparison.Ordinal
            );
        }
        // Phones call back to port1, whichever its last number is.
        var port1 = told.Nics.First(nic => nic.Name == "port1").Address;
        return text.Replace($" {port1[..port1.LastIndexOf('.')]}.1\n", $" {port1}\n", StringComparison.Ordinal);
    }

    private static IPAddress MaskOf(int prefixLength) =>
        new(BitConverter.GetBytes(IPAddress.HostToNetworkOrder(prefixLength == 0 ? 0 : -1 << (32 - prefixLength))));
}
