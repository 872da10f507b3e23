using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login.Accounts;

/// <summary>
/// The users, tokens and groups of one configuration. Immutable, and inexpensive to create: a user is read on demand. Computed data is
/// cached with the entry or table that it originates from, so it survives every commit that does not change that.
/// </summary>
public sealed class UserDirectory(ConfigTree config) : IAccountDirectory
{
    private static readonly ConditionalWeakTable<ConfigTable, ILookup<string, string>> GroupsOfMembers = [];
    private static readonly ConditionalWeakTable<ConfigTable, ILookup<string, string>> NamesOfSkeletons = [];
    private static readonly ConditionalWeakTable<ConfigObject, Token> Tokens = [];
    private readonly ConfigTable _users = config.List("user local");
    private readonly ConfigTable _tokens = config.List("user fortitoken");
    private readonly ConfigTable _groups = config.List("user group");

    /// <inheritdoc/>
    public Account? Find(string name)
    {
        // Before anything that depends on the name, so that the cost does not reveal whether the user exists.
        var groups = GroupsOfMembers.GetValue(_groups, Invert);
        if (_users.Find(name) is not { } entry)
        {
            return null;
        }
        var type = entry.Text("type");
        return new Account(
            name,
            type == "password" && entry.Text("passwd") is { Length: > 0 } password ? Encoding.UTF8.GetBytes(password) : null,
            type == "password" ? null : new RemoteServer(type, ServerOf(entry, type)),
            entry.Enabled("status"),
            FactorOf(config, entry, TokenOf(entry)),
            [.. groups[name]]
        )
        {
            Entry = entry,
        };
    }

    /// <summary>
    /// Resolves to the user with exactly the typed name, or to the one user whose <c>username-case-sensitivity</c> or
    /// <c>username-sensitivity</c> accepts this spelling. If two such users accept it, there is no match.
    /// </summary>
    public NameMatch Resolve(string typed)
    {
        var skeleton = NameFold.Skeleton(typed);
        var alike = NamesOfSkeletons.GetValue(_users, Index)[skeleton];
        // Also computed for an existing name, so that the cost reveals nothing.
        var (meant, several) = ((string?)null, false);
        foreach (var name in alike)
        {
            if (IsMeant(name, typed))
            {
                several |= meant is not null;
                meant = name;
            }
        }
        if (Find(typed) is { } exact)
        {
            return new(exact, null);
        }
        // Some user is read even if the name has no account, for the same cost.
        _ = _users.Keys.FirstOrDefault() is { } somebody ? Find(somebody) : null;
        return meant is not null && !several
            ? new(Find(meant), meant)
            : new(null, NameFold.IsDecidable(skeleton) ? alike.FirstOrDefault() : typed);
    }

    /// <summary>
    /// Returns the second factor that an entry of <c>user local</c> or <c>system admin</c> requires in addition to the password.
    /// </summary>
    internal static RequiredFactor FactorOf(ConfigTree config, ConfigObject entry, Token? token) =>
        entry.Text("two-factor") switch
        {
            "disable" or "" => new RequiredFactor.None(),
            "fortitoken" => token switch
            {
                null => new RequiredFactor.Unusable("no token is assigned"),
                { Locked: true } => new RequiredFactor.Unusable($"token {token.Serial} is locked"),
                { Seed: { } seed } => new RequiredFactor.OfToken(token, seed),
                _ => new RequiredFactor.Unusable($"token {token.Serial} has no seed"),
            },
            "fortitoken-cloud" => new RequiredFactor.OfCloud(),
            "email" or "sms" => CodeDestination.From(config, entry) is { } to
                ? new RequiredFactor.OfCode(to)
                : new RequiredFactor.Unusable("the user has no address for the code"),
            var other => new RequiredFactor.Unusable($"two-factor {other} is not supported"),
        };

    /// <summary>Returns the token that an entry names, or null.</summary>
    internal static Token? TokenOf(ConfigTable tokens, ConfigObject entry)
    {
        var serial = entry.Text("fortitoken");
        return tokens.Find(serial) is { } found ? Tokens.GetValue(found, token => Token.From(serial, token)) : null;
    }

    private Token? TokenOf(ConfigObject entry) => TokenOf(_tokens, entry);

    private static string ServerOf(ConfigObject entry, string type) =>
        type + "-server" is var attribute && entry.Schema.Attribute(attribute) is not null ? entry.Text(attribute) : "";

    private bool IsMeant(string name, string typed)
    {
        var entry = _users.Find(name)!;
        // Since 7.0.1 one attribute controls case and accents; before that, another controls case alone. Unset: sensitive.
        return entry.Schema.Attribute("username-sensitivity") is not null
            ? entry.Text("username-sensitivity") == "disable" && NameFold.CaseAndAccent(name) == NameFold.CaseAndAccent(typed)
            : entry.Schema.Attribute("username-case-sensitivity") is not null
                && entry.Text("username-case-sensitivity") == "disable"
                && NameFold.Case(name) == NameFold.Case(typed);
    }

    private static ILookup<string, string> Index(ConfigTable users) => users.Keys.ToLookup(NameFold.Skeleton, StringComparer.Ordinal);

    private static ILookup<string, string> Invert(ConfigTable groups) =>
        groups
            .Entries.SelectMany(group => group.Entry.Words("member").Select(member => (Member: member, Group: group.Key)))
            .ToLookup(pair => pair.Member, pair => pair.Group, StringComparer.Ordinal);
}
