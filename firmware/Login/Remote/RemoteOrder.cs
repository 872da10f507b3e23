using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Login.Accounts;

namespace Appliance.Firmware.Login.Remote;

/// <summary>A request of the login core to a remote server. The verdict comes back as <see cref="LoginCore.RemoteAnswered"/>.</summary>
/// <param name="RequestId">The pending login.</param>
/// <param name="Number">The number of the request within this login, from 1. Only the verdict on the latest counts.</param>
/// <param name="Server">The server to query.</param>
/// <param name="User">The name: as configured for a user that is configured here, otherwise as typed.</param>
/// <param name="Password">The password as typed, or the reply to the challenge.</param>
/// <param name="Source">The address of the user's client.</param>
/// <param name="Expires">The time after which the verdict is too late.</param>
public sealed record RemoteOrder(
    string RequestId,
    int Number,
    RemoteServer Server,
    string User,
    string Password,
    IPAddress Source,
    DateTimeOffset Expires
)
{
    /// <summary>The challenge that the request replies to; null for a first factor.</summary>
    public RemoteVerdict.Challenged? Answers { get; init; }

    /// <summary>Returns a description without the password.</summary>
    public override string ToString() => $"{Server} for {User}";
}

/// <summary>A report on one address of a remote server while a request to it is pending.</summary>
/// <param name="Address">The attribute that has it, address and port: <c>secondary-server 192.0.2.51:1812</c>.</param>
/// <param name="HasFailed">False if a request is being sent to it; true if it gave no valid answer.</param>
/// <param name="Cause">The cause of the failure. For a request that is being sent: what it means if no answer arrives.</param>
/// <param name="Change">The console line that changes it.</param>
public sealed record RemoteNotice(string Address, bool HasFailed, string Cause, string Change);

/// <summary>The reply that makes a remote server send a push to the user's phone.</summary>
public enum RemotePush
{
    /// <summary>None: the server cannot send a push.</summary>
    No,

    /// <summary>An empty reply.</summary>
    ByNothing,

    /// <summary>The word <c>push</c>.</summary>
    ByWord,
}

/// <summary>The verdict of a remote server.</summary>
public abstract record RemoteVerdict
{
    private RemoteVerdict() { }

    /// <summary>The server could not be queried: its type is not supported, or it gave no valid answer.</summary>
    /// <param name="Why">A short reason for the log, without secrets.</param>
    public sealed record Unavailable(string Why) : RemoteVerdict
    {
        /// <summary>The console line that changes it; "" for none.</summary>
        public string Change { get; init; } = "";
    }

    /// <summary>The server accepted the user.</summary>
    /// <param name="Groups">The groups that the server returned, which <c>match</c> entries are compared with.</param>
    public sealed record Accepted(ImmutableArray<string> Groups) : RemoteVerdict
    {
        /// <summary>True if the user is a member of every group, whatever the groups list (<c>all-usergroup</c>).</summary>
        public bool InEveryGroup { get; init; }
    }

    /// <summary>The password or the reply is wrong, the user does not exist, or the user's phone denied.</summary>
    public sealed record Rejected : RemoteVerdict;

    /// <summary>The server requires a further input from the user.</summary>
    /// <param name="Text">The prompt for the user. Untrusted: it may contain any character.</param>
    /// <param name="Push">The reply that makes the server push to the user's phone, if it can.</param>
    /// <param name="Ticket">The gateway's own data, which it needs to send the reply.</param>
    public sealed record Challenged(string Text, RemotePush Push, object? Ticket = null) : RemoteVerdict;
}

/// <summary>The connection to remote servers that verify passwords. A slice that speaks RADIUS or LDAP implements it.</summary>
public interface IRemoteGateway
{
    /// <summary>
    /// Queries one server, without a thread. Never throws for the server's failure, which is <see cref="RemoteVerdict.Unavailable"/>.
    /// </summary>
    /// <param name="order">The request.</param>
    /// <param name="noticed">Called on any thread when a request is sent to an address and when that address fails; before the
    /// verdict.</param>
    /// <param name="cancellationToken">Cancelled when the login no longer waits for the verdict.</param>
    ValueTask<RemoteVerdict> AskAsync(RemoteOrder order, Action<RemoteNotice> noticed, CancellationToken cancellationToken);
}
