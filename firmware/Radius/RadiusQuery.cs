using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Radius;

/// <summary>An authentication request.</summary>
/// <param name="User">The user name as entered.</param>
/// <param name="Password">The password, or the response to a challenge.</param>
/// <param name="Caller">The user's address; null if it is unknown.</param>
/// <param name="ConnectInfo">The access method (<c>vpn-ssl</c>, <c>test</c>).</param>
public sealed record RadiusQuery(string User, string Password, IPAddress? Caller, string ConnectInfo)
{
    /// <summary>
    /// The challenge that this responds to; null for an initial request. The response goes only to the server that issued the challenge.
    /// </summary>
    public RadiusResult.Challenge? Answers { get; init; }

    /// <summary>The schemes to try; if empty, those of the settings.</summary>
    public ImmutableArray<RadiusScheme> Schemes { get; init; } = [];

    /// <summary>
    /// Called when a request is sent to a server and when that server fails, on any thread, before the result is returned. Null if not
    /// needed.
    /// </summary>
    public Action<RadiusNotice>? Noticed { get; init; }

    /// <summary>Returns the access method and the user, without secrets.</summary>
    public override string ToString() => $"{ConnectInfo} of {User}";
}

/// <summary>An event that concerns one server while a request is open.</summary>
/// <param name="Server">The server's index in the settings; 0 is the primary.</param>
/// <param name="Refused">The reason for which its packet was refused; null if none was.</param>
/// <param name="Failure">The cause of a failed connection; "" if the request was sent.</param>
public sealed record RadiusNotice(int Server, RadiusRefusal? Refused = null, string Failure = "");

/// <summary>The result of a request.</summary>
public abstract record RadiusResult
{
    private RadiusResult() { }

    /// <summary>The index in the settings of the server that replied; 0 is the primary.</summary>
    public int Server { get; init; }

    /// <summary>Access-Accept.</summary>
    /// <param name="Groups">The values of Fortinet-Group-Name.</param>
    /// <param name="Classes">The values of Class that are text.</param>
    /// <param name="Filters">The values of Filter-Id.</param>
    /// <param name="SessionTimeout">Seconds; 0 for none.</param>
    /// <param name="IdleTimeout">Seconds; 0 for none.</param>
    public sealed record Accept(
        ImmutableArray<string> Groups,
        ImmutableArray<string> Classes,
        ImmutableArray<string> Filters,
        long SessionTimeout,
        long IdleTimeout
    ) : RadiusResult;

    /// <summary>Access-Reject.</summary>
    /// <param name="Message">Its Reply-Message; "" for none.</param>
    public sealed record Reject(string Message) : RadiusResult;

    /// <summary>Access-Challenge.</summary>
    /// <param name="State">The State to return with the response; null if the server sent none.</param>
    /// <param name="Message">Its Reply-Message, without the vendor's leading plus.</param>
    /// <param name="CanPush">True if the server offers push: an empty response, or <c>push</c>, sends a push to the phone.</param>
    /// <param name="TypePush">True if the user has to enter the word <c>push</c>.</param>
    public sealed record Challenge(ImmutableArray<byte> State, string Message, bool CanPush, bool TypePush) : RadiusResult;

    /// <summary>No server sent a valid reply, or none is configured.</summary>
    public sealed record NoAnswer : RadiusResult
    {
        /// <summary>The reason for which the last server's packet was refused; null if it sent nothing.</summary>
        public RadiusRefusal? Because { get; init; }
    }
}

/// <summary>The reason why a packet is not accepted as a reply.</summary>
public enum RadiusRefusal
{
    /// <summary>It is not a valid packet.</summary>
    Malformed,

    /// <summary>No request is open under its identifier, or it originates from another address than the server's.</summary>
    NotAsked,

    /// <summary>It is neither Access-Accept, Access-Reject nor Access-Challenge.</summary>
    WrongCode,

    /// <summary>The Response Authenticator is wrong, usually because the secrets differ.</summary>
    WrongAuthenticator,

    /// <summary>It carries a Proxy-State that was not sent.</summary>
    UnknownProxyState,

    /// <summary>It lacks the required Message-Authenticator.</summary>
    NoMessageAuthenticator,

    /// <summary>Its Message-Authenticator is wrong.</summary>
    WrongMessageAuthenticator,

    /// <summary>An Access-Accept for MS-CHAPv2 without the server's proof that it has the password.</summary>
    NoServerProof,
}

/// <summary>A packet to be sent.</summary>
/// <param name="Nic">The interface to send from.</param>
/// <param name="Channel">The name of the path: the interface for datagrams; interface, entry and server for connections.</param>
/// <param name="Port">The index of the port or connection within the channel, from 0.</param>
/// <param name="Packet">The packet.</param>
/// <param name="To">The server's address.</param>
/// <param name="Settings">The settings from which a connection is established.</param>
public sealed record RadiusSend(string Nic, string Channel, int Port, byte[] Packet, IPEndPoint To, RadiusSettings Settings)
{
    /// <summary>The number of the request that it belongs to.</summary>
    public long Number { get; init; }
}

/// <summary>A packet sent or received by the client, for observers.</summary>
/// <param name="Channel">The channel. With <paramref name="Port"/> and the packet's identifier, it matches a reply to its request.</param>
/// <param name="Port">The port of the channel.</param>
/// <param name="Server">The server's address.</param>
/// <param name="Question">The number of the request; null for a received packet, which may match none.</param>
/// <param name="Packet">The packet as it is on the wire.</param>
public sealed record RadiusTraffic(string Channel, int Port, IPEndPoint Server, long? Question, ReadOnlyMemory<byte> Packet);

/// <summary>The effects of one input to the client.</summary>
public sealed class RadiusClientStep
{
    /// <summary>The packets to send.</summary>
    public List<RadiusSend> Sends { get; } = [];

    /// <summary>The finished requests, by number.</summary>
    public List<(long Number, RadiusResult Result)> Finished { get; } = [];

    /// <summary>The notices about servers, in order, for the <see cref="RadiusQuery.Noticed"/> of their requests.</summary>
    public List<(RadiusQuery Query, RadiusNotice Notice)> Notices { get; } = [];

    /// <summary>
    /// The packets that claimed to be replies and were refused, once for each request and reason, with the entry of <c>user radius</c>, the
    /// server and the reason.
    /// </summary>
    public List<(string Entry, IPEndPoint Server, RadiusRefusal Reason)> Refused { get; } = [];

    /// <summary>For the shell: the waiters to complete, with their results.</summary>
    internal List<(WorkWaiter<RadiusResult> Waiter, RadiusResult Result)> Answered { get; } = [];

    /// <summary>For the shell: the packets to send, with their paths.</summary>
    internal List<(IRadiusPath Path, RadiusSend Send)> Carried { get; } = [];
}
