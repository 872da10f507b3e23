using System.Net;
using System.Reflection;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Lab.Composition;

/// <summary>
/// A board in the simulator, and the configuration of the ready-made lab on it. An interface that is a kernel device on the box is a
/// loopback address here: the first one NETWORK.1, the second one NETWORK.2 and so on (docs/reference/boards.md).
/// </summary>
internal static class LabBoard
{
    internal const string UsualNetwork = "127.0.1";

    private static readonly string[] DesktopNics = ["port1", "port2", "port3", "port4"];

    /// <summary>The access flags of the ready-made lab's interfaces; none for the others.</summary>
    private static readonly Dictionary<string, string> AccessOf = new(StringComparer.Ordinal)
    {
        ["port1"] = "ping https ftm",
        ["port2"] = "ping https ssh http",
    };

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "boards");

    /// <summary>Returns the description file of a board of the tool.</summary>
    /// <exception cref="LabFailure">There is no board of that name.</exception>
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
            $"no board '{board}'{(Spelling.Nearest(board, known) is { } near ? $"; did you mean '{near}'?" : "")}"
                + $" (there are: {string.Join(", ", known)})"
        );
    }

    /// <summary>Returns true for the description file of a board of the tool.</summary>
    internal static bool ComesWithTheTool(string boardFile) =>
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(boardFile))) == Folder;

    /// <summary>Returns an address with the same last octet in another network.</summary>
    internal static IPAddress Moved(IPAddress address, string network) => IPAddress.Parse($"{network}.{address.GetAddressBytes()[^1]}");

    /// <summary>Returns true for the first three octets of loopback addresses.</summary>
    internal static bool IsNetwork(string network) =>
        network.Count(letter => letter == '.') == 2
        && IPAddress.TryParse(network + ".1", out var address)
        && IPAddress.IsLoopback(address)
        && address.ToString() == network + ".1";

    /// <summary>Returns a board with the addresses that it has in the simulator.</summary>
    /// <param name="board">The board.</param>
    /// <param name="network">The first three octets of all addresses. Null selects the default ones and keeps fixed addresses of the
    /// board.</param>
    internal static Board Simulated(Board board, string? network) =>
        board with
        {
            Nics =
            [
                .. In(board, network ?? UsualNetwork)
                    .Nics.Zip(board.Nics, (moved, own) => network is null && own.Match is null ? own : moved with { Match = null }),
            ],
        };

    /// <summary>Returns a board with the addresses NETWORK.1, NETWORK.2 and so on, in order; null for its own addresses.</summary>
    internal static Board In(Board board, string? network) =>
        network is null
            ? board
            : board with
            {
                Nics =
                [
                    .. board.Nics.Select((nic, at) => nic with { Address = IPAddress.Parse($"{network}.{at + 1}"), PrefixLength = 32 }),
                ],
            };

    /// <summary>Returns the CLI text of the ready-made lab with the desktop's interfaces.</summary>
    /// <param name="personality">The release profile; null for the default one.</param>
    /// <param name="network">The first three numbers of every address.</param>
    internal static string DefaultConfiguration(Personality? personality = null, string network = UsualNetwork) =>
        DefaultConfiguration(
            In(new Board("desktop", [.. DesktopNics.Select(name => new BoardNic(name, IPAddress.Any))]), network),
            personality
        );

    /// <summary>Returns the CLI text of the ready-made lab with a board's interfaces and their addresses.</summary>
    /// <exception cref="LabFailure">The board lacks interfaces that the ready-made lab needs.</exception>
    internal static string DefaultConfiguration(Board board, Personality? personality)
    {
        if (board.Nics.FirstOrDefault(nic => nic.Name == "port1") is not { Address: var port1 })
        {
            throw new LabFailure(
                FailureKind.ConfigurationInvalid,
                $"board {board.Name} has no port1, which the ready-made lab needs: give another configuration (--config FILE)"
            );
        }
        return Resource("default.conf")
            .Replace("{interfaces}", string.Concat(board.Nics.Select(InterfaceText)), StringComparison.Ordinal)
            // From 7.0 on the callback address has another attribute.
            .Replace("{server}", (personality ?? Personality.Default).Release.Major < 7 ? "server-ip" : "server", StringComparison.Ordinal)
            .Replace("{port1}", port1.ToString(), StringComparison.Ordinal)
            // The network behind the tunnels: behind port1 on a board with one interface.
            .Replace("{inside}", board.Nics.Any(nic => nic.Name == "port2") ? "port2" : "port1", StringComparison.Ordinal)
            // The lab's mail server is in the network of port1.
            .Replace("{network}", string.Join('.', port1.GetAddressBytes()[..3]), StringComparison.Ordinal);
    }

    /// <summary>Returns the CLI text of the RADIUS server and its users, for a lab with the FortiAuthenticator emulator.</summary>
    /// <param name="address">The emulator's address.</param>
    internal static string AuthenticatorConfiguration(IPAddress address) =>
        Resource("fac.conf").Replace("{authenticator}", address.ToString(), StringComparison.Ordinal);

    private static string InterfaceText(BoardNic nic) =>
        $"    edit \"{nic.Name}\"\n        set ip {nic.Address} {MaskOf(nic.PrefixLength)}\n"
        + (AccessOf.TryGetValue(nic.Name, out var access) ? $"        set allowaccess {access}\n" : "")
        + "        set type physical\n    next\n";

    private static IPAddress MaskOf(int prefixLength) =>
        new(BitConverter.GetBytes(IPAddress.HostToNetworkOrder(prefixLength == 0 ? 0 : -1 << (32 - prefixLength))));

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
