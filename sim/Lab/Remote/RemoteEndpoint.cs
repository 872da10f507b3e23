using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Link;

namespace Appliance.Lab.Remote;

/// <summary>The address and key of the agent of a physical unit.</summary>
/// <param name="Name">The unit's name.</param>
/// <param name="Agent">The agent's address.</param>
/// <param name="Controller">The address of this machine towards the agent.</param>
/// <param name="Key">The pre-shared key of the agent and this controller.</param>
/// <param name="Network">The first three octets of its addresses, of which portN has the Nth; null for the board's addresses.</param>
internal sealed record RemoteEndpoint(string Name, IPEndPoint Agent, IPAddress Controller, byte[] Key, string? Network)
{
    /// <summary>The default port of an agent.</summary>
    public const int DefaultPort = 7001;

    /// <summary>Reads <c>--box</c>: an address with a key file, or a file that describes the box and names its key.</summary>
    /// <exception cref="LabFailure">One of them is invalid, or the key is missing or superfluous.</exception>
    public static RemoteEndpoint Of(string box, string? keyFile)
    {
        if (AddressOf(box) is not { } agent)
        {
            return keyFile is null
                ? TargetFile.Load(box).EndPoint
                : throw new LabFailure(FailureKind.Usage, $"--box-key requires an address; the file {box} names its own key");
        }
        if (keyFile is null)
        {
            throw new LabFailure(FailureKind.Usage, $"--box {box} needs its key: --box-key FILE");
        }
        try
        {
            var key = AgentHandshake.ReadKey(keyFile);
            return new RemoteEndpoint(box, agent, WayTo(agent), key, null);
        }
        catch (FormatException wrong)
        {
            throw new LabFailure(FailureKind.ConfigurationInvalid, $"--box-key: {wrong.Message}", wrong);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"--box-key: {absent.Message}", absent);
        }
    }

    /// <summary>Connects to the agent and authenticates.</summary>
    /// <exception cref="LabFailure">There is no agent, or it refuses.</exception>
    public async Task<Stream> EnterAsync()
    {
        using var late = new CancellationTokenSource(AgentHandshake.Patience, LabClock.Wall);
        try
        {
            return await AgentHandshake.EnterAsync(
                new ConnectionStream(await new SocketNic("controller", Controller).ConnectAsync(Agent, late.Token)),
                Key,
                late.Token
            );
        }
        catch (OperationCanceledException silent)
        {
            throw new LabFailure(
                FailureKind.TimedOut,
                $"{Name}: no answer from the agent at {Agent} within {AgentHandshake.Patience.TotalSeconds} s",
                silent
            );
        }
        catch (IOException refused)
        {
            throw new LabFailure(FailureKind.Missing, $"{Name}: the agent at {Agent}: {refused.Message}", refused);
        }
    }

    private static IPAddress WayTo(IPEndPoint agent)
    {
        try
        {
            return WayOut.To(agent);
        }
        catch (IOException none)
        {
            throw new LabFailure(FailureKind.Missing, $"--box: {none.Message}", none);
        }
    }

    /// <summary>Parses an IPv4 address with an optional port; null for a file name.</summary>
    private static IPEndPoint? AddressOf(string box) =>
        box.Count(letter => letter == '.') == 3 && !box.Contains(Path.DirectorySeparatorChar) && IPEndPoint.TryParse(box, out var at)
            ? new IPEndPoint(at.Address, at.Port == 0 ? DefaultPort : at.Port)
            : null;
}
