using Appliance.Doubles.Clock;
using Appliance.Hal;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Appliance.Tests.Boards;

/// <summary>The boards that come with the tool, each in a lab.</summary>
public sealed class ShippedBoardTests
{
    public static TheoryData<string> Shipped() =>
        [
            .. Directory
                .EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "boards"))
                .Select(folder => new DirectoryInfo(folder).Name),
        ];

    [Theory]
    [MemberData(nameof(Shipped))]
    public async Task AShippedBoardComesUpInTheSimulator(string name)
    {
        var state = Directory.CreateTempSubdirectory("appliance-board-");
        using var claim = LoopbackNetwork.Claim();
        var network = claim.Prefix;
        try
        {
            var options = new LabOptions(Path.Combine(state.FullName, "state"), null, LabBoard.File(name), ClockRate.Frozen, 0)
            {
                Network = network,
            };
            await using var lab = await Laboratory.StartAsync(options, NullLoggerFactory.Instance, CancellationToken.None);
            var board = Board.Load(LabBoard.File(name));
            Assert.Equal(
                board.Nics.Select((nic, at) => (nic.Name, $"{network}.{at + 1}")),
                lab.Unit.Nics.Select(nic => (nic.Name, nic.Address.ToString()))
            );
            Assert.Equal(
                ["admin", "ftm", "sslvpn"],
                lab.Unit.Services.Where(service => service.Nic == "port1").Select(service => service.Service).Order()
            );
            Assert.Contains(
                $"set ip {network}.2 255.255.255.255",
                await lab.Unit.Console.Get().TranscriptAsync("show system interface port2\n", TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }
}
