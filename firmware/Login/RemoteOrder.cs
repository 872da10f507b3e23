using System.Collections.Immutable;
using System.Net;

namespace Appliance.Firmware.Login;

/// <summary>A remote server that the login core wants asked; the verdict comes back as <see cref="LoginCore.RemoteAnswered"/>.</summary>
/// <param name="RequestId">The pending login.</param>
/// <param name="Number">Counts the questions of this login from 1; only the verdict on the latest counts.</param>
/// <param name="Server">Whom to ask.</param>
/// <param name="User">The name: as configured for a user who is known here, else as typed.</param>
/// <param name="Password">The password as typed, or what answers the challenge.</param>
/// <param name="Source">From where the user comes.</param>
/// <param name="Expires">When the verdict comes too late.</param>
public sealed record RemoteOrder(string RequestId, int Number, RemoteServer Server, string User, string Password, IPAddress Source, DateTimeOffset Expires)
{
    /// <summary>The challenge that is answered; null for a first factor.</summary>
    public RemoteVerdict.Challenged? Answers { get; init; }

    /// <summary>Says nothing of the password.</summary>
    public override string ToString() => $"{Server} for {User}";
}

/// <summary>What happens to one address of a remote server while a question to it is open.</summary>
/// <param name="Address">The attribute that has it, address and port: <c>secondary-server 192.0.2.51:1812</c>.</param>
/// <param name="HasFailed">False when a request leaves for it; true when it gave no answer that counts.</param>
/// <param name="Cause">The cause of the failure; for a request that leaves, what it means if no answer comes.</param>
/// <param name="Change">The console's line that changes it.</param>
public sealed record RemoteNotice(string Address, bool HasFailed, string Cause, string Change);

/// <summary>How a remote server can be made to ask a phone.</summary>
public enum RemotePush
{
    /// <summary>It cannot.</summary>
    No,
    /// <summary>By an answer of nothing.</summary>
    ByNothing,
    /// <summary>By the word <c>push</c>.</summary>
    ByWord,
}

/// <summary>What a remote server said.</summary>
public abstract record RemoteVerdict
{
    private RemoteVerdict() { }

    /// <summary>It cannot be asked: none of its kind is served, or it gave no answer that counts.</summary>
    /// <param name="Why">A few words for the log, without anything secret.</param>
    public sealed record Unavailable(string Why) : RemoteVerdict
    {
        /// <summary>The console's line that changes it; "" for none.</summary>
        public string Change { get; init; } = "";
    }

    /// <summary>He may in.</summary>
    /// <param name="Groups">The groups that the server told, which <c>match</c> entries compare.</param>
    public sealed record Accepted(ImmutableArray<string> Groups) : RemoteVerdict
    {
        /// <summary>True: a member of every group, whatever it lists (<c>all-usergroup</c>).</summary>
        public bool InEveryGroup { get; init; }
    }

    /// <summary>The password, or the answer, is wrong; or there is no such user; or his phone denied.</summary>
    public sealed record Rejected : RemoteVerdict;

    /// <summary>It wants something more of him.</summary>
    /// <param name="Text">What, for the person; may hold anything.</param>
    /// <param name="Push">Whether it can ask his phone.</param>
    /// <param name="Ticket">The gateway's own: what it needs to give the answer.</param>
    public sealed record Challenged(string Text, RemotePush Push, object? Ticket = null) : RemoteVerdict;
}

/// <summary>The way to remote servers that know passwords. A slice that speaks RADIUS or LDAP provides it.</summary>
public interface IRemoteGateway
{
    /// <summary>Asks one server, without a thread. Never throws for the server's failure: that is <see cref="RemoteVerdict.Unavailable"/>.</summary>
    /// <param name="order">The question.</param>
    /// <param name="noticed">Called, on any thread, when a request leaves for an address and when that address fails; before the verdict.</param>
    /// <param name="cancellationToken">The login no longer waits for the verdict.</param>
    ValueTask<RemoteVerdict> AskAsync(RemoteOrder order, Action<RemoteNotice> noticed, CancellationToken cancellationToken);
}
