using System.Collections.Immutable;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Firmware.Login.Policy;

/// <summary>The consequence of repeated failures.</summary>
/// <param name="Limit">The number of failures that block; 0 disables the limit.</param>
/// <param name="Within">The time within which failures count.</param>
/// <param name="Block">The duration of the block; zero disables the limit.</param>
public readonly record struct FailureRule(int Limit, TimeSpan Within, TimeSpan Block);

/// <summary>The rules that assign SSL VPN users their portals (<c>vpn ssl settings</c>), and the failure limits.</summary>
public sealed class LoginPolicy
{
    private static readonly string[] ServerAttributes = ["server", "secondary-server", "tertiary-server"];
    private static readonly TimeSpan BlackoutWithin = TimeSpan.FromMinutes(1);

    /// <summary>The window of failures that count however far apart they are, until a success.</summary>
    private static readonly TimeSpan InARow = TimeSpan.MaxValue;

    private readonly ImmutableArray<Rule> _rules;
    private readonly string _defaultPortal;
    private readonly HashSet<string> _openPortals;
    private readonly Dictionary<string, (RemoteServer Server, string Group)?> _fallbacks;
    private readonly ConfigTree _config;
    private readonly Lazy<ILookup<string, RemoteGroup>> _remoteGroups;

    /// <summary>Reads the policy from a configuration.</summary>
    public LoginPolicy(ConfigTree config)
    {
        _config = config;
        _remoteGroups = new(() => RemoteGroups(config));
        var settings = config.Object("vpn ssl settings");
        var (users, global) = (config.Object("user setting"), config.Object("system global"));
        _rules = [.. settings.Children("authentication-rule").Entries.Select(rule => Read(rule.Entry))];
        _defaultPortal = settings.Text("default-portal");
        _openPortals = [.. config.List("vpn ssl web portal").Entries.Where(portal => IsOpen(portal.Entry)).Select(portal => portal.Key)];
        _fallbacks = Fallbacks(config, _rules);
        ForceSecondFactor = settings.Enabled("force-two-factor-auth");
        TimeSpan Time(ConfigObject from, string attribute) => TimeSpan.FromSeconds(from.Number(attribute));
        SourceLimit = new(
            (int)settings.Number("login-attempt-limit"),
            Time(settings, "login-block-time"),
            Time(settings, "login-block-time")
        );
        Blackout = new((int)users.Number("auth-invalid-max"), BlackoutWithin, Time(users, "auth-blackout-time"));
        Lockout = new((int)users.Number("auth-lockout-threshold"), InARow, Time(users, "auth-lockout-duration"));
        AdminLockout = new((int)global.Number("admin-lockout-threshold"), InARow, Time(global, "admin-lockout-duration"));
    }

    /// <summary><c>login-attempt-limit</c> and <c>login-block-time</c>: failures of one source at the SSL VPN.</summary>
    public FailureRule SourceLimit { get; }

    /// <summary><c>auth-invalid-max</c> within a minute and <c>auth-blackout-time</c>: failures of one source of users.</summary>
    public FailureRule Blackout { get; }

    /// <summary><c>auth-lockout-threshold</c> and <c>auth-lockout-duration</c>: failures of one user name.</summary>
    public FailureRule Lockout { get; }

    /// <summary><c>admin-lockout-threshold</c> and <c>admin-lockout-duration</c>: failures of one source of administrators.</summary>
    public FailureRule AdminLockout { get; }

    /// <summary><c>force-two-factor-auth</c>: refuses SSL VPN logins without a second factor.</summary>
    public bool ForceSecondFactor { get; }

    /// <summary>True for the empty realm and for the realms that a rule names. Logins to any other realm are refused.</summary>
    public bool IsRealm(string realm) => realm.Length == 0 || _rules.Any(rule => rule.Realm == realm);

    /// <summary>
    /// Returns the group and portal of an account; null if none applies. The first rule of the realm that names the account or one of its
    /// groups decides. If none does and the realm is empty, the default portal applies. A login by the clients' method counts as ssl-web: a
    /// portal with web mode off refuses it, as the device does.
    /// </summary>
    /// <param name="account">The account.</param>
    /// <param name="realm">The requested realm; "" for none.</param>
    /// <param name="nic">The interface that received the request; "" matches no rule that names interfaces.</param>
    public (string Group, string Portal)? PortalFor(Account account, string realm = "", string nic = "")
    {
        var type = account.Remote?.Type ?? "local";
        foreach (
            var rule in _rules.Where(rule =>
                rule.Evaluable
                && rule.Realm == realm
                && (rule.Nics.IsEmpty || rule.Nics.Contains(nic) || rule.Nics.Contains("any"))
                && (rule.Auth == "any" || rule.Auth == type)
            )
        )
        {
            var group = rule.Groups.FirstOrDefault(group => account.Groups.Contains(group));
            if (group is not null || rule.Users.Contains(account.Name))
            {
                return Allowed(group ?? "", rule.Portal);
            }
        }
        return realm.Length == 0 ? Allowed("", _defaultPortal) : null;
    }

    /// <summary>
    /// Returns the remote server that is queried for users that are not configured here, and the group that names it: the first member
    /// server of a group of a rule of the realm. Null if there is none.
    /// </summary>
    public (RemoteServer Server, string Group)? FallbackFor(string realm) => _fallbacks.GetValueOrDefault(realm);

    /// <summary>
    /// Returns the groups of a user that a remote server accepted. These are the groups that have the server as a member and have either no
    /// <c>match</c> for it or one that names a group which the server returned (compared exactly: *assumed*).
    /// </summary>
    /// <param name="server">The server.</param>
    /// <param name="accepted">The server's acceptance.</param>
    public ImmutableArray<string> GroupsOf(RemoteServer server, RemoteVerdict.Accepted accepted) =>
        accepted.InEveryGroup
            ? [.. _config.List("user group").Keys]
            :
            [
                .. _remoteGroups
                    .Value[server.Name]
                    .Where(group => group.Names.IsEmpty || group.Names.Any(accepted.Groups.Contains))
                    .Select(group => group.Group),
            ];

    /// <summary>Returns the number of a server's addresses, which are tried one after the other.</summary>
    public int AddressesOf(RemoteServer server) =>
        server.Type == "radius" && _config.List("user radius").Find(server.Name) is { } entry
            ? Math.Max(1, ServerAttributes.Count(attribute => entry.Text(attribute).Length > 0))
            : 1;

    private static ILookup<string, RemoteGroup> RemoteGroups(ConfigTree config) =>
        (
            from entry in config.List("user group").Entries
            from member in entry.Entry.Words("member")
            select new RemoteGroup(
                member,
                entry.Key,
                [
                    .. entry
                        .Entry.Children("match")
                        .Entries.Where(match => match.Entry.Text("server-name") == member)
                        .Select(match => match.Entry.Text("group-name")),
                ]
            )
        ).ToLookup(group => group.Server, StringComparer.Ordinal);

    /// <summary>Computed once, because groups may be long and an unknown name must cost no more than another.</summary>
    private static Dictionary<string, (RemoteServer Server, string Group)?> Fallbacks(ConfigTree config, ImmutableArray<Rule> rules)
    {
        var fallbacks = new Dictionary<string, (RemoteServer Server, string Group)?>(StringComparer.Ordinal);
        (ConfigTable Servers, string Type)[] tables =
        [
            (config.List("user radius"), "radius"),
            (config.List("user ldap"), "ldap"),
            (config.List("user tacacs+"), "tacacs+"),
        ];
        if (tables.All(table => table.Servers.Count == 0))
        {
            return fallbacks;
        }
        var groups = config.List("user group");
        // Servers that are members of every group without being listed there.
        string[] everywhere =
        [
            .. config.List("user radius").Entries.Where(server => server.Entry.Enabled("all-usergroup")).Select(server => server.Key),
        ];
        foreach (var rule in rules.Where(rule => rule.Evaluable && !fallbacks.ContainsKey(rule.Realm)))
        {
            var found = (
                from name in rule.Groups
                let members = groups.Find(name)
                where members is not null
                from member in members.Words("member").Concat(everywhere)
                from table in tables
                where table.Servers.Find(member) is not null
                select ((RemoteServer Server, string Group)?)(new RemoteServer(table.Type, member), name)
            ).FirstOrDefault();
            if (found is not null)
            {
                fallbacks.Add(rule.Realm, found);
            }
        }
        return fallbacks;
    }

    private static Rule Read(ConfigObject rule) =>
        new(
            rule.Words("users"),
            rule.Words("groups"),
            rule.Words("source-interface"),
            rule.Text("portal"),
            rule.Text("realm"),
            rule.Text("auth"),
            rule.Words("source-address") is [] or ["all"]
                && rule.Words("source-address6") is [] or ["all"]
                && !rule.Enabled("source-address-negate")
                && !rule.Enabled("client-cert")
                && rule.Text("user-peer").Length == 0
        );

    /// <summary>A portal takes logins with web mode or, where the release has it, with tunnel mode.</summary>
    private static bool IsOpen(ConfigObject portal) =>
        portal.Enabled("web-mode") || (portal.Schema.Attribute("tunnel-mode") is not null && portal.Enabled("tunnel-mode"));

    private (string Group, string Portal)? Allowed(string group, string portal) => _openPortals.Contains(portal) ? (group, portal) : null;

    /// <param name="Server">The configuration entry of the server that the group has as a member.</param>
    /// <param name="Group">The group.</param>
    /// <param name="Names">The group names of its <c>match</c> entries, one of which the server must return. Empty: every user that the
    /// server accepts is a member.</param>
    private sealed record RemoteGroup(string Server, string Group, ImmutableArray<string> Names);

    /// <param name="Evaluable">False if the rule requires something that is not evaluated here (an address, a certificate). No login
    /// matches such a rule.</param>
    private sealed record Rule(
        ImmutableArray<string> Users,
        ImmutableArray<string> Groups,
        ImmutableArray<string> Nics,
        string Portal,
        string Realm,
        string Auth,
        bool Evaluable
    );
}
