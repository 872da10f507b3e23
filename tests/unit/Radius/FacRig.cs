using System.Net;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The emulator's rules and wire format, without clock, socket or random values: the base of its tests.</summary>
public abstract class FacRig
{
    internal static readonly DateTimeOffset Start = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);
    internal static readonly IPEndPoint Nas = IPEndPoint.Parse("192.0.2.1:5000");
    private TokenCore _tokens = new();
    private byte _next;

    protected FacRig() => Boot(Settings());

    /// <summary>The records on disk.</summary>
    internal List<FacRecord> Records { get; } = [];

    internal FacCore Core { get; private set; } = null!;

    internal FacRadius Radius { get; private set; } = null!;

    internal DateTimeOffset Now { get; set; } = Start;

    internal byte[] LastRequest { get; private set; } = [];

    internal byte[] LastAuthenticator { get; private set; } = [];

    /// <summary>Starts the emulator; with <paramref name="keep"/> from the state on disk.</summary>
    internal void Boot(FacSettings settings, bool keep = false)
    {
        var seed = new Random(1 + _next);
        if (!keep)
        {
            Records.Clear();
            _tokens = new TokenCore();
        }
        Core = new FacCore(settings, _tokens, "10.0.0.10", () => 443, span => seed.NextBytes(span));
        Radius = new FacRadius(settings, Core);
        Core.Restore(Records);
        Radius.Restore(Records, Now);
    }

    internal byte[] Authenticator() => [.. Enumerable.Repeat((byte)++_next, 16)];

    internal FacStep Receive(byte[] datagram, IPEndPoint? source = null, FacWay way = FacWay.Authentication) =>
        Settle(Radius.Receive(datagram, source ?? Nas, way, Now));

    /// <summary>Performs the timer's work.</summary>
    internal FacStep Tick()
    {
        var step = Core.Tick(Now);
        Radius.Expire(step, Now);
        return Settle(step);
    }

    internal FacStep Settle(FacStep step)
    {
        Radius.Settle(step, Now);
        foreach (var record in step.Records)
        {
            Records.RemoveAll(known => known.Key == record.Key);
            if (record.Value is not null)
            {
                Records.Add(record);
            }
        }
        foreach (var reply in step.Replies)
        {
            Radius.Sent(reply);
        }
        return step;
    }

    internal (byte[] Authenticator, FacStep Step) Send(string user, string password, string? state = null, params string[] more)
    {
        LastAuthenticator = Authenticator();
        LastRequest = Request(_next, LastAuthenticator, user, password, state, more: more);
        return (LastAuthenticator, Receive(LastRequest));
    }

    internal (RadiusCode Code, string Text, string State) Ask(string user, string password, string? state = null, params string[] more)
    {
        var (authenticator, step) = Send(user, password, state, more);
        return Read(Assert.Single(step.Replies).Packet, authenticator);
    }

    /// <summary>Returns the only reply of a step, and verifies its signature.</summary>
    internal static (RadiusCode Code, string Text, string State) Reply(FacStep step, byte[] authenticator) =>
        Read(Assert.Single(step.Replies).Packet, authenticator);

    /// <summary>The <c>reason</c> of each event of a step.</summary>
    internal static IEnumerable<string> Reasons(FacStep step) =>
        step.Events.SelectMany(entry => entry.Fields).Where(field => field.Name == "reason").Select(field => field.Value);
}
