using System.Collections.Immutable;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>What so many failures cost.</summary>
/// <param name="Limit">How many failures block; 0: none do.</param>
/// <param name="Within">Within which time they count.</param>
/// <param name="Block">For how long they block; zero: they do not.</param>
public readonly record struct FailureRule(int Limit, TimeSpan Within, TimeSpan Block);

/// <summary>Who may use the SSL VPN and with which portal (<c>vpn ssl settings</c>), and what failures cost.</summary>
public sealed class LoginPolicy
{
    private static readonly string[] ServerAttributes = ["server", "secondary-server", "tertiary-server"];
    private static readonly TimeSpan BlackoutWithin = TimeSpan.FromMinutes(1);

    /// <summary>Failures that count however far apart they are, until a success.</summary>
    private static readonly TimeSpan InARow = TimeSpan.MaxValue;

    private readonly ImmutableArray<Rule> _rules;
    private readonly string _defaultPortal;
    private readonly HashSet<string> _webPortals;
    private readonly Dictionary<string, (RemoteServer Server, string Group)?> _fallbacks;
    private readonly ConfigTree _config;
    private readonly Lazy<ILookup<string, RemoteGroup>> _remoteGroups;

    /// <param name="Server">The entry that the group has for a member.</param>
    /// <param name="Group">The group.</param>
    /// <param name="Names">What its <c>match</c> entries want that server to tell; empty: whoever the server accepts is a member.</param>
    private sealed record RemoteGroup(string Server, string Group, ImmutableArray<string> Names);

    /// <param name="Evaluable">False: the rule names something that is not looked at here (an address, a certificate), so nobody meets it.</param>
    private sealed record Rule(ImmutableArray<string> Users, ImmutableArray<string> Groups, ImmutableArray<string> Nics, string Portal, string Realm, string Auth, bool Evaluable);

    /// <summary>Reads it from a configuration.</summary>
    public LoginPolicy(ConfigTree config)
    {
        _config = config;
        _remoteGroups = new(() => RemoteGroups(config));
        var settings = config.Object("vpn ssl settings");
        var (users, global) = (config.Object("user setting"), config.Object("system global"));
        _rules = [.. settings.Children("authentication-rule").Entries.Select(rule => Read(rule.Entry))];
        _defaultPortal = settings.Text("default-portal");
        _webPortals = [.. config.List("vpn ssl web portal").Entries.Where(portal => portal.Entry.Enabled("web-mode")).Select(portal => portal.Key)];
        _fallbacks = Fallbacks(config, _rules);
        ForceSecondFactor = settings.Enabled("force-two-factor-auth");
        TimeSpan Time(ConfigObject from, string attribute) => TimeSpan.FromSeconds(from.Number(attribute));
        SourceLimit = new((int)settings.Number("login-attempt-limit"), Time(settings, "login-block-time"), Time(settings, "login-block-time"));
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

    /// <summary><c>force-two-factor-auth</c>: nobody without a second factor gets in by the SSL VPN.</summary>
    public bool ForceSecondFactor { get; }

    /// <summary>True for the empty realm and for those that a rule names; nobody gets into another.</summary>
    public bool IsRealm(string realm) => realm.Length == 0 || _rules.Any(rule => rule.Realm == realm);

    /// <summary>
    /// Group and portal of an account, or null when there is none for it: the first rule of the realm that names it or a group of it, and
    /// without one the default portal, in no realm. A login by the clients' way counts as ssl-web: a portal with web mode
    /// off refuses it, as the device does.
    /// </summary>
    /// <param name="account">Who.</param>
    /// <param name="realm">The realm that was asked for; "" for none.</param>
    /// <param name="nic">The interface on which he came; "" meets no rule that names interfaces.</param>
    public (string Group, string Portal)? PortalFor(Account account, string realm = "", string nic = "")
    {
        var type = account.Remote?.Type ?? "local";
        foreach (var rule in _rules.Where(rule => rule.Evaluable && rule.Realm == realm && (rule.Nics.IsEmpty || rule.Nics.Contains(nic) || rule.Nics.Contains("any")) && (rule.Auth == "any" || rule.Auth == type)))
        {
            var group = rule.Groups.FirstOrDefault(group => account.Groups.Contains(group));
            if (group is not null || rule.Users.Contains(account.Name))
            {
                return Allowed(group ?? "", rule.Portal);
            }
        }
        return realm.Length == 0 ? Allowed("", _defaultPortal) : null;
    }

    /// <summary>The remote server that is asked for users who are not known here, with the group that names it: the first that a group of a rule of the realm has; null when none has.</summary>
    public (RemoteServer Server, string Group)? FallbackFor(string realm) => _fallbacks.GetValueOrDefault(realm);

    /// <summary>
    /// The groups that somebody is in whom a remote server accepted: those that have the server for a member and either have no <c>match</c> for it,
    /// or one that names what the server told (compared exactly: *assumed*).
    /// </summary>
    /// <param name="server">The server.</param>
    /// <param name="accepted">What it told.</param>
    public ImmutableArray<string> GroupsOf(RemoteServer server, RemoteVerdict.Accepted accepted) =>
        accepted.InEveryGroup ? [.. _config.List("user group").Keys]
            : [.. _remoteGroups.Value[server.Name].Where(group => group.Names.IsEmpty || group.Names.Any(accepted.Groups.Contains)).Select(group => group.Group)];

    /// <summary>How many addresses of a server are tried one after the other.</summary>
    public int AddressesOf(RemoteServer server) =>
        server.Type == "radius" && _config.List("user radius").Find(server.Name) is { } entry ? Math.Max(1, ServerAttributes.Count(attribute => entry.Text(attribute).Length > 0)) : 1;

    private static ILookup<string, RemoteGroup> RemoteGroups(ConfigTree config) =>
        (from entry in config.List("user group").Entries
         from member in entry.Entry.Words("member")
         select new RemoteGroup(member, entry.Key,
             [.. entry.Entry.Children("match").Entries.Where(match => match.Entry.Text("server-name") == member).Select(match => match.Entry.Text("group-name"))]))
        .ToLookup(group => group.Server, StringComparer.Ordinal);

    /// <summary>Worked out once: groups may be long, and a name that is nobody's must cost no more than another.</summary>
    private static Dictionary<string, (RemoteServer Server, string Group)?> Fallbacks(ConfigTree config, ImmutableArray<Rule> rules)
    {
        var fallbacks = new Dictionary<string, (RemoteServer Server, string Group)?>(StringComparer.Ordinal);
        (ConfigTable Servers, string Type)[] tables = [(config.List("user radius"), "radius"), (config.List("user ldap"), "ldap"), (config.List("user tacacs+"), "tacacs+")];
        if (tables.All(table => table.Servers.Count == 0))
        {
            return fallbacks;
        }
        var groups = config.List("user group");
        // Members of every group, without being listed there.
        string[] everywhere = [.. config.List("user radius").Entries.Where(server => server.Entry.Enabled("all-usergroup")).Select(server => server.Key)];
        foreach (var rule in rules.Where(rule => rule.Evaluable && !fallbacks.ContainsKey(rule.Realm)))
        {
            var found = (from name in rule.Groups
                         let members = groups.Find(name)
                         where members is not null
                         from member in members.Words("member").Concat(everywhere)
                         from table in tables
                         where table.Servers.Find(member) is not null
                         select ((RemoteServer Server, string Group)?)(new RemoteServer(table.Type, member), name)).FirstOrDefault();
            if (found is not null)
            {
                fallbacks.Add(rule.Realm, found);
            }
        }
        return fallbacks;
    }

    private static Rule Read(ConfigObject rule) => new(
        rule.Words("users"), rule.Words("groups"), rule.Words("source-interface"), rule.Text("portal"), rule.Text("realm"), rule.Text("auth"),
        rule.Words("source-address") is [] or ["all"] && rule.Words("source-address6") is [] or ["all"] && !rule.Enabled("source-address-negate")
            && !rule.Enabled("client-cert") && rule.Text("user-peer").Length == 0);

    private (string Group, string Portal)? Allowed(string group, string portal) => _webPortals.Contains(portal) ? (group, portal) : null;
}
