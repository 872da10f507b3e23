using System.Net;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Remote;

namespace Appliance.Lab.Targets;

/// <summary>
/// A physical unit that runs the lab's program, somewhere on the network. Its time is its own, its cables and its panel are nobody's here, and everybody who speaks to
/// it from this machine has this machine's address.
/// </summary>
internal sealed class RemoteSite(TargetFile box) : ITargetSite
{
    /// <summary>What can be had of it from outside.</summary>
    public static IReadOnlySet<string> AllOffers { get; } = new HashSet<string> { "phones", "timeline", "policy" };

    public IReadOnlySet<string> Offers => AllOffers;

    public string Network => box.Network;

    public string Board => box.Board;

    public bool TakesOurTime => false;

    public PanelLines Panel => throw new NotSupportedException("nobody sees the panel of a unit that is elsewhere");

    /// <summary>Goes in at the agent's door.</summary>
    /// <exception cref="LabFailure">There is none, or it does not open.</exception>
    public Task<Stream> LinkAsync() => box.Place.EnterAsync();

    public INic NicAt(string name, IPAddress address) => new SocketNic(name, box.Bench);

    public Task<INic> MailNicAsync(IPAddress address) =>
        throw new NotSupportedException("a unit that is elsewhere does not find the bench's mail");

    public SerialConsoleDriver? OpenConsole() => box.Console is { } console ? SerialConsoleDriver.Open(console) : null;

    public Task SetCableAsync(string nic, bool up) =>
        throw new NotSupportedException("nobody pulls the cables of a unit that is elsewhere");
}
