using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Radius;

/// <summary>What a server is asked.</summary>
/// <param name="User">The name as typed.</param>
/// <param name="Password">The password, or what was answered to a challenge.</param>
/// <param name="Caller">From where the user comes; null when nobody knows.</param>
/// <param name="ConnectInfo">By which way (<c>vpn-ssl</c>, <c>test</c>).</param>
public sealed record RadiusQuery(string User, string Password, IPAddress? Caller, string ConnectInfo)
{
    /// <summary>The challenge that this answers; null for a first question. It goes to the server that made it, and to no other.</summary>
    public RadiusResult.Challenge? Answers { get; init; }

    /// <summary>The schemes to try; empty takes those of the settings.</summary>
    public ImmutableArray<RadiusScheme> Schemes { get; init; } = [];

    /// <summary>Called when a request leaves for a server and when that server fails, on any thread, before the result; null for nobody.</summary>
    public Action<RadiusNotice>? Noticed { get; init; }

    /// <summary>Says nothing of secrets.</summary>
    public override string ToString() => $"{ConnectInfo} of {User}";
}

/// <summary>What happens to one server while a question is open.</summary>
/// <param name="Server">Its number in the settings: 0 the first.</param>
/// <param name="Refused">Why what it sent was refused; null if nothing was.</param>
/// <param name="Failure">Why there is no connection to it; "" if it was asked.</param>
public sealed record RadiusNotice(int Server, RadiusRefusal? Refused = null, string Failure = "");

/// <summary>What became of a question.</summary>
public abstract record RadiusResult
{
    private RadiusResult() { }

    /// <summary>Which server of the settings said so: 0 the primary.</summary>
    public int Server { get; init; }

    /// <summary>Access-Accept.</summary>
    /// <param name="Groups">The values of Fortinet-Group-Name.</param>
    /// <param name="Classes">The values of Class that are text.</param>
    /// <param name="Filters">The values of Filter-Id.</param>
    /// <param name="SessionTimeout">Seconds; 0 for none.</param>
    /// <param name="IdleTimeout">Seconds; 0 for none.</param>
    public sealed record Accept(ImmutableArray<string> Groups, ImmutableArray<string> Classes, ImmutableArray<string> Filters, long SessionTimeout, long IdleTimeout) : RadiusResult;

    /// <summary>Access-Reject.</summary>
    /// <param name="Message">Its Reply-Message; "" for none.</param>
    public sealed record Reject(string Message) : RadiusResult;

    /// <summary>Access-Challenge.</summary>
    /// <param name="State">Goes back with the answer; null when the server sent none.</param>
    /// <param name="Message">Its Reply-Message, without the vendor's leading plus.</param>
    /// <param name="CanPush">True when the server says that it can push: an answer of nothing, or <c>push</c>, asks the phone.</param>
    /// <param name="TypePush">True when the word has to be typed.</param>
    public sealed record Challenge(ImmutableArray<byte> State, string Message, bool CanPush, bool TypePush) : RadiusResult;

    /// <summary>No server answered so that it counts, or none is set.</summary>
    public sealed record NoAnswer : RadiusResult
    {
        /// <summary>Why what the last server sent was refused; null when it sent nothing.</summary>
        public RadiusRefusal? Because { get; init; }
    }
}

/// <summary>Why a packet is no answer.</summary>
public enum RadiusRefusal
{
    /// <summary>It is no packet.</summary>
    Malformed,
    /// <summary>Nothing is open under its identifier, or it comes from elsewhere than was asked.</summary>
    NotAsked,
    /// <summary>It is none of the answers to an Access-Request.</summary>
    WrongCode,
    /// <summary>The Response Authenticator is wrong: mostly another secret.</summary>
    WrongAuthenticator,
    /// <summary>It has a Proxy-State that was not sent.</summary>
    UnknownProxyState,
    /// <summary>It lacks the Message-Authenticator that is required.</summary>
    NoMessageAuthenticator,
    /// <summary>Its Message-Authenticator is wrong.</summary>
    WrongMessageAuthenticator,
    /// <summary>An accept of MS-CHAPv2 without the server's proof that it knows the password.</summary>
    NoServerProof,
}

/// <summary>A packet to be sent.</summary>
/// <param name="Nic">By which interface.</param>
/// <param name="Channel">Names the way: the interface for datagrams; interface, entry and server for connections.</param>
/// <param name="Port">From which of the ports, or over which of the connections, of that way, counted from 0.</param>
/// <param name="Packet">What.</param>
/// <param name="To">Where to.</param>
/// <param name="Settings">How a connection is made.</param>
public sealed record RadiusSend(string Nic, string Channel, int Port, byte[] Packet, IPEndPoint To, RadiusSettings Settings)
{
    /// <summary>The question that it belongs to.</summary>
    public long Number { get; init; }
}

/// <summary>A packet of the client's, for whoever looks on.</summary>
/// <param name="Channel">Its channel, and <paramref name="Port"/> on it: with the packet's identifier an answer finds its request.</param>
/// <param name="Port">The port of the channel.</param>
/// <param name="Server">The other side.</param>
/// <param name="Question">The number of the question; null for what came, which may be an answer to nothing.</param>
/// <param name="Packet">The packet as it is on the wire.</param>
public sealed record RadiusTraffic(string Channel, int Port, IPEndPoint Server, long? Question, ReadOnlyMemory<byte> Packet);

/// <summary>What follows from an input to the client.</summary>
public sealed class RadiusClientStep
{
    /// <summary>What is to be sent.</summary>
    public List<RadiusSend> Sends { get; } = [];

    /// <summary>Questions that are over, by number.</summary>
    public List<(long Number, RadiusResult Result)> Finished { get; } = [];

    /// <summary>What happened to servers, for the question's <see cref="RadiusQuery.Noticed"/>; in order.</summary>
    public List<(RadiusQuery Query, RadiusNotice Notice)> Notices { get; } = [];

    /// <summary>For the shell: who is told what.</summary>
    internal List<(WorkWaiter<RadiusResult> Waiter, RadiusResult Result)> Answered { get; } = [];

    /// <summary>For the shell: what leaves by which way.</summary>
    internal List<(IRadiusPath Path, RadiusSend Send)> Carried { get; } = [];

    /// <summary>What claimed to be an answer and was refused, told once for each question and reason: the entry of <c>user radius</c>, the server, why.</summary>
    public List<(string Entry, IPEndPoint Server, RadiusRefusal Reason)> Refused { get; } = [];
}
