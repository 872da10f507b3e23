using System.Net;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Remote;

namespace Appliance.Lab.Targets;

/// <summary>
/// A physical unit that runs the lab's program, somewhere on the network. Its time is its own. Its cables, its panel and its mail are out
/// of reach, and all clients on this machine have this machine's address.
/// </summary>
internal sealed class RemoteSite(TargetFile file) : ITargetSite
{
    public string Network => file.Network;

    public string Board => file.Board;

    public bool TakesOurTime => false;

    public bool HasSources => false;

    public PanelLines? Panel => null;

    public ISiteCables? Cables => null;

    public ISiteMail? Mail => null;

    /// <summary>Connects to the agent and authenticates.</summary>
    /// <exception cref="LabFailure">There is no agent, or it refuses.</exception>
    public Task<Stream> LinkAsync() => file.EndPoint.EnterAsync();

    public INic NicAt(string name, IPAddress address) => new SocketNic(name, file.Controller);

    public SerialConsoleDriver? OpenConsole() => file.Console is { } console ? SerialConsoleDriver.Open(console) : null;
}
