using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>A request of the login core to send a push.</summary>
/// <param name="RequestId">The pending login.</param>
/// <param name="User">The user that logs in.</param>
/// <param name="Token">The token whose phone receives the push.</param>
/// <param name="Source">The client's address.</param>
/// <param name="Time">The time of the request.</param>
/// <param name="Expires">The time after which the phone's answer is too late.</param>
/// <param name="LoginId">The login's number in the journal.</param>
/// <param name="NumberMatch">True if the phone must prompt for the number that the login displays.</param>
public sealed record PushOrder(
    string RequestId,
    string User,
    Token Token,
    IPAddress Source,
    DateTimeOffset Time,
    DateTimeOffset Expires,
    long LoginId,
    bool NumberMatch = false
)
{
    /// <summary>The pending login, which saves a lookup when the phone answers; null if no login ordered the push.</summary>
    internal PendingLogin? By { get; init; }
}

/// <summary>
/// A decision of the core and its effects, which the shell performs in this order: commit, events, messages to send, answers. No part of a
/// decision is observable before its memory is durable.
/// </summary>
public sealed class LoginStep
{
    /// <summary>The answer to the caller; null while the login is pending.</summary>
    public LoginAnswer? Answer { get; set; }

    /// <summary>The writes that must be durable before any answer leaves.</summary>
    public List<StateWrite> Memory { get; } = [];

    /// <summary>The events to log.</summary>
    public List<EventEntry> Events { get; } = [];

    /// <summary>The push to send; null for none.</summary>
    public PushOrder? Push { get; set; }

    /// <summary>The one-time code to send; null for none.</summary>
    public CodeOrder? Code { get; set; }

    /// <summary>The request to send to a remote server; null for none.</summary>
    public RemoteOrder? Remote { get; set; }

    /// <summary>Pending logins that no longer wait for their request to a remote server.</summary>
    public List<string> Abandoned { get; } = [];

    /// <summary>Pending logins whose push is void from now on, by their journal numbers.</summary>
    public List<long> Cancelled { get; } = [];

    /// <summary>Answers to waiting clients, by request id.</summary>
    public List<(string RequestId, LoginAnswer Answer)> Released { get; } = [];

    /// <summary>The facts for the journal: login number and fact, in order.</summary>
    public List<(long LoginId, LoginFact Fact)> Facts { get; } = [];

    /// <summary>The journal number of the login that the step is about; 0 if it is about none, or about several.</summary>
    internal long LoginId { get; private set; }

    /// <summary>The first factor of that login; null if the step is about none, or about several.</summary>
    internal LoginRequest? Request { get; private set; }

    /// <summary>The login of the step, if it is or was pending.</summary>
    internal PendingLogin? PendingLogin { get; private set; }

    /// <summary>True if the step has effects other than its writes.</summary>
    internal bool HasEffects =>
        (Events.Count | Facts.Count | Cancelled.Count | Abandoned.Count | Released.Count) != 0
        || Push is not null
        || Code is not null
        || Remote is not null;

    internal void IsAbout(long loginId, LoginRequest request) => (LoginId, Request) = (loginId, request);

    internal void IsAbout(PendingLogin attempt) => (LoginId, Request, PendingLogin) = (attempt.Id, attempt.Request, attempt);

    /// <summary>Adds a fact about a login for the journal.</summary>
    internal void Note(long loginId, LoginFact fact, bool decides = false) =>
        Facts.Add((loginId, decides ? fact with { Decides = true } : fact));

    /// <summary>Adds the answer to the client that waits for this login, if one does.</summary>
    internal void Release(PendingLogin attempt, LoginAnswer answer) => Released.Add((attempt.RequestId, answer));

    /// <summary>Resets the step for reuse. Its lists keep their capacity.</summary>
    internal void Clear()
    {
        (Answer, Push, Code, Remote) = (null, null, null, null);
        (LoginId, Request, PendingLogin) = (0, null, null);
        Memory.Clear();
        Events.Clear();
        Abandoned.Clear();
        Cancelled.Clear();
        Released.Clear();
        Facts.Clear();
    }
}
