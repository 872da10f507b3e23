using System.Net;
using System.Net.Sockets;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Composition;
using Appliance.Link;

namespace Appliance.Lab.Remote;

/// <summary>A physical unit as described by a file (docs/use/lab-box.md, box.schema.json).</summary>
/// <param name="Name">The unit's name.</param>
/// <param name="Board">The name of its board.</param>
/// <param name="Network">The first three octets of its addresses, of which portN has the Nth.</param>
/// <param name="Controller">The address of this machine towards the agent.</param>
/// <param name="Agent">The agent's address.</param>
/// <param name="Key">The pre-shared key of the agent and this controller.</param>
/// <param name="Console">The serial device of this machine that is wired to its console; null if lines are sent over the link.</param>
internal sealed record TargetFile(
    string Name,
    string Board,
    string Network,
    IPAddress Controller,
    IPEndPoint Agent,
    byte[] Key,
    SerialDevice? Console
)
{
    private const int LengthMax = 64 * 1024;

    /// <summary>The agent's address.</summary>
    public RemoteEndpoint EndPoint => new(Name, Agent, Controller, Key, Network);

    /// <summary>Reads a file and the key file beside it.</summary>
    /// <exception cref="LabFailure">It cannot be read, or a field is invalid; the message contains its path.</exception>
    public static TargetFile Load(string file)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: > LengthMax }
                ? throw new FormatException($"{file}: no box has so many words (at most {LengthMax} bytes)")
                : Read(File.ReadAllBytes(file), file);
        }
        catch (FormatException wrong)
        {
            throw new LabFailure(FailureKind.ConfigurationInvalid, wrong.Message, wrong);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"the box: {absent.Message}", absent);
        }
    }

    private static TargetFile Read(byte[] json, string file)
    {
        var root = new BoardNode(BoardText.Parse(json, file), file, "", "$schema", "name", "board", "network", "bench", "agent", "console");
        var agent = root.Child("agent", "address", "keyFile") ?? throw root.Missing("agent");
        var board = root.Text("board");
        try
        {
            _ = LabBoard.File(board);
        }
        catch (LabFailure unknown)
        {
            throw root.Wrong("board", unknown.Message);
        }
        var network = root.Text("network");
        if (
            network.Count(letter => letter == '.') != 2
            || !IPAddress.TryParse(network + ".1", out var first)
            || first.ToString() != network + ".1"
        )
        {
            throw root.Wrong("network", $"must be the first three octets of an IPv4 address, not '{network}'");
        }
        return new TargetFile(
            root.Text("name"),
            board,
            network,
            IPAddress.TryParse(root.Text("bench"), out var controller) && controller.AddressFamily == AddressFamily.InterNetwork
                ? controller
                : throw root.Wrong("bench", $"must be an IPv4 address of this machine, not '{root.Text("bench")}'"),
            IPEndPoint.TryParse(agent.Text("address"), out var at) && at.Port > 0 && at.AddressFamily == AddressFamily.InterNetwork
                ? at
                : throw agent.Wrong("address", $"must be ADDRESS:PORT, not '{agent.Text("address")}'"),
            KeyOf(agent, file),
            root.Child("console", "device", "speed") is { } console ? ConsoleOf(console) : null
        );
    }

    private static SerialDevice ConsoleOf(BoardNode console)
    {
        var device = console.Text("device");
        if (!device.StartsWith('/'))
        {
            throw console.Wrong("device", $"must be the whole path of a serial device, for example /dev/ttyUSB0, not '{device}'");
        }
        var speed = console.OptionalWhole("speed", SerialStream.Speeds[0], SerialStream.Speeds[^1]) ?? SerialDevice.UsualSpeed;
        return SerialStream.Speeds.Contains(speed)
            ? new SerialDevice(device, speed)
            : throw console.Wrong("speed", $"must be one of {string.Join(", ", SerialStream.Speeds)}, not {speed}");
    }

    private static byte[] KeyOf(BoardNode agent, string file)
    {
        var key = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, agent.Text("keyFile"));
        try
        {
            return AgentHandshake.ReadKey(key);
        }
        catch (Exception wrong) when (wrong is FormatException or IOException or UnauthorizedAccessException)
        {
            throw agent.Wrong("keyFile", wrong.Message);
        }
    }
}
