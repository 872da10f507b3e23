using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>A push that the login core wants sent.</summary>
/// <param name="RequestId">The pending login.</param>
/// <param name="User">Who logs in.</param>
/// <param name="Token">Whose phone is asked.</param>
/// <param name="Source">From where.</param>
/// <param name="Time">When.</param>
/// <param name="Expires">When the answer comes too late.</param>
/// <param name="LoginId">The login in the journal.</param>
/// <param name="NumberMatch">True when the phone has to ask for the number that the login shows.</param>
public sealed record PushOrder(string RequestId, string User, Token Token, IPAddress Source, DateTimeOffset Time, DateTimeOffset Expires, long LoginId, bool NumberMatch = false)
{
    /// <summary>The pending login itself, so that the phone's answer need not look for it; null for an order that no login gave.</summary>
    internal Attempt? By { get; init; }
}

/// <summary>
/// A decision of the core and what the shell has to do about it, in this order: commit, events, what is to be sent, answers. Nothing of a decision
/// is observable before its memory is durable.
/// </summary>
public sealed class LoginStep
{
    /// <summary>What the caller is told; null while it has to wait.</summary>
    public LoginAnswer? Answer { get; set; }

    /// <summary>What must be durable before anybody is told.</summary>
    public List<StateWrite> Memory { get; } = [];

    /// <summary>What happened.</summary>
    public List<EventEntry> Events { get; } = [];

    /// <summary>A push to be sent.</summary>
    public PushOrder? Push { get; set; }

    /// <summary>A one-time code to be sent.</summary>
    public CodeOrder? Code { get; set; }

    /// <summary>A remote server to be asked.</summary>
    public RemoteOrder? Remote { get; set; }

    /// <summary>Pending logins whose question to a remote server nobody waits for any more.</summary>
    public List<string> Abandoned { get; } = [];

    /// <summary>Pending logins whose push is void from now on, by their numbers in the journal.</summary>
    public List<long> Cancelled { get; } = [];

    /// <summary>Answers for those who wait, by request id.</summary>
    public List<(string RequestId, LoginAnswer Answer)> Released { get; } = [];

    /// <summary>How it came about: login id and step, in order.</summary>
    public List<(long LoginId, LoginFact Fact)> Facts { get; } = [];

    /// <summary>The login that the step is about, by its number in the journal; 0 when it is about none, or about several.</summary>
    internal long LoginId { get; private set; }

    /// <summary>The first factor of that login; null when the step is about none, or about several.</summary>
    internal LoginRequest? Request { get; private set; }

    /// <summary>That login while it is, or was, pending.</summary>
    internal Attempt? Attempt { get; private set; }

    /// <summary>True when something has to be done beside writing its memory.</summary>
    internal bool HasEffects => (Events.Count | Facts.Count | Cancelled.Count | Abandoned.Count | Released.Count) != 0 || Push is not null || Code is not null || Remote is not null;

    internal void IsAbout(long loginId, LoginRequest request) => (LoginId, Request) = (loginId, request);

    internal void IsAbout(Attempt attempt) => (LoginId, Request, Attempt) = (attempt.Id, attempt.Request, attempt);

    /// <summary>As new: its lists keep their room.</summary>
    internal void Clear()
    {
        (Answer, Push, Code, Remote) = (null, null, null, null);
        (LoginId, Request, Attempt) = (0, null, null);
        Memory.Clear();
        Events.Clear();
        Abandoned.Clear();
        Cancelled.Clear();
        Released.Clear();
        Facts.Clear();
    }
}

/// <summary>What of the configuration, and of the lab's own policy, decides a login.</summary>
/// <param name="Users">The users.</param>
/// <param name="Admins">The administrators.</param>
/// <param name="Policy">Portals, rules and limits.</param>
/// <param name="Deadlines">The time budget.</param>
/// <param name="Lab">The lab's own rules.</param>
public sealed record LoginRules(IAccountDirectory Users, IAccountDirectory Admins, LoginPolicy Policy, LoginDeadlines Deadlines, LabPolicy Lab)
{
    /// <summary>Reads them from a configuration.</summary>
    public static LoginRules From(ConfigTree config, LabPolicy? lab = null) => new(new UserDirectory(config), new AdminDirectory(config), new LoginPolicy(config), LoginDeadlines.From(config), lab ?? LabPolicy.Default);

    /// <summary>Whose names count by a way in.</summary>
    public IAccountDirectory Accounts(LoginKind kind) => kind == LoginKind.Admin ? Admins : Users;
}
