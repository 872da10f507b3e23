using System.Net;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Lab.Composition;

/// <summary>
/// A board in the simulator. An interface that is a kernel device on the box is a loopback address here: the first one NETWORK.1, the second one
/// NETWORK.2 and so on (docs/reference/boards.md); one that is an address stays what it is.
/// </summary>
internal static partial class LabBoard
{
    internal const string UsualNetwork = "127.0.1";

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "boards");

    /// <summary>The description of a board that comes with the tool.</summary>
    /// <exception cref="LabFailure">There is none of that name.</exception>
    internal static string File(string board)
    {
        var file = Path.Combine(Folder, board, "board.json");
        if (board == Path.GetFileName(board) && System.IO.File.Exists(file))
        {
            return file;
        }
        var known = Directory
            .EnumerateDirectories(Folder)
            .Where(one => System.IO.File.Exists(Path.Combine(one, "board.json")))
            .Select(one => Path.GetFileName(one)!)
            .Order(StringComparer.Ordinal)
            .ToArray();
        throw new LabFailure(
            FailureKind.Usage,
            $"no board '{board}'{(Spelling.Nearest(board, known) is { } near ? $"; did you mean '{near}'?" : "")} (there are: {string.Join(", ", known)})"
        );
    }

    /// <summary>True for the description of a board that comes with the tool.</summary>
    internal static bool ComesWithTheTool(string boardFile) =>
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(boardFile))) == Folder;

    /// <summary>An address with its last number in another network.</summary>
    internal static IPAddress Moved(IPAddress address, string network) => IPAddress.Parse($"{network}.{address.GetAddressBytes()[^1]}");

    /// <summary>True for the first three numbers of loopback addresses.</summary>
    internal static bool IsNetwork(string network) =>
        network.Count(letter => letter == '.') == 2
        && IPAddress.TryParse(network + ".1", out var address)
        && IPAddress.IsLoopback(address)
        && address.ToString() == network + ".1";

    /// <summary>A board with the addresses that it has in the simulator.</summary>
    /// <param name="board">The board.</param>
    /// <param name="network">The first three numbers of all addresses; null for the usual ones, and an address that is the board's own stays.</param>
    internal static Board Simulated(Board board, string? network) =>
        board with
        {
            Nics =
            [
                .. board.Nics.Select(
                    (nic, at) =>
                        network is null && nic.Match is null
                            ? nic
                            : nic with
                            {
                                Address = IPAddress.Parse($"{network ?? UsualNetwork}.{at + 1}"),
                                PrefixLength = 32,
                                Match = null,
                            }
                ),
            ],
        };

    /// <summary>The ready-made lab, in the appliance's own grammar, as it is on the desktop.</summary>
    internal static string DefaultConfiguration(Personality? personality = null)
    {
        var text = Resource("default.conf");
        // From 7.0 on the callback address has another name.
        return (personality ?? Personality.Default).Release.Major < 7
            ? text
            : text.Replace("set server-ip ", "set server ", StringComparison.Ordinal);
    }

    /// <summary>What the ready-made lab has beside it where the FortiAuthenticator stand-in is.</summary>
    /// <param name="address">Where that is.</param>
    internal static string AuthenticatorConfiguration(IPAddress address) =>
        Resource("fac.conf").Replace($"{UsualNetwork}.10", address.ToString(), StringComparison.Ordinal);

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The ready-made lab on a simulated board: its interfaces, with their addresses.</summary>
    /// <exception cref="LabFailure">The board lacks what the ready-made lab needs.</exception>
    internal static string DefaultConfiguration(Board board, Personality? personality)
    {
        if (board.Nics.All(nic => nic.Name != "port1"))
        {
            throw new LabFailure(
                FailureKind.ConfigurationInvalid,
                $"board {board.Name} has no port1, which the ready-made lab needs: give a configuration of its own (--config FILE)"
            );
        }
        var text = DefaultConfiguration(personality);
        var usual = Interface().Matches(text).ToDictionary(block => block.Groups[1].Value, block => block.Value, StringComparer.Ordinal);
        var interfaces = new StringBuilder();
        foreach (var nic in board.Nics)
        {
            interfaces.Append(
                usual.GetValueOrDefault(nic.Name) is { } block
                    ? Address().Replace(block, $"set ip {nic.Address} ")
                    : $"    edit \"{nic.Name}\"\n        set ip {nic.Address} 255.255.255.255\n        set type physical\n    next\n"
            );
        }
        text = text.Replace(string.Concat(usual.Values), interfaces.ToString(), StringComparison.Ordinal);
        // The callback address and the lab's mail server stand beside port1.
        var network = string.Join('.', board.Nics.First(nic => nic.Name == "port1").Address.ToString().Split('.')[..3]);
        return text.Replace($"{UsualNetwork}.", network + ".", StringComparison.Ordinal);
    }

    [GeneratedRegex("    edit \"(port[0-9]+)\"\n(?:        .*\n)+    next\n")]
    private static partial Regex Interface();

    [GeneratedRegex("set ip [0-9.]+ ")]
    private static partial Regex Address();
}
