using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>The level of access to a table or command.</summary>
public enum Access
{
    /// <summary>No access.</summary>
    None,

    /// <summary>Read only.</summary>
    Read,

    /// <summary>Read and write.</summary>
    Write,
}

/// <summary>The rights of one access profile. Immutable. Anything that is not known is denied.</summary>
public sealed class AccessRights
{
    /// <summary>The rights of super_admin.</summary>
    public static readonly AccessRights Everything = new(_ => Access.Write) { MayEverything = true };

    /// <summary>The rights without a profile, or with one that does not exist.</summary>
    public static readonly AccessRights Nothing = new(_ => Access.None) { _refusedVerbs = Verbs };

    /// <summary>The rights of super_admin_readonly.</summary>
    private static readonly AccessRights Look = new(_ => Access.Read);

    /// <summary>The rights of prof_admin while the configuration has no entry of that name.</summary>
    private static readonly AccessRights ProfAdmin = new(_ => Access.Write);

    private static readonly string[] Groups =
    [
        "secfabgrp",
        "ftviewgrp",
        "authgrp",
        "sysgrp",
        "netgrp",
        "loggrp",
        "fwgrp",
        "vpngrp",
        "utmgrp",
        "wifi",
    ];

    private readonly Func<Permission, Access> _of;
    private string[] _refusedVerbs = [];

    private AccessRights(Func<Permission, Access> of) => _of = of;

    /// <summary>True for super_admin alone, which may also change accounts that have this profile.</summary>
    public bool MayEverything { get; private init; }

    /// <summary>
    /// True if these rights include everything that a profile can grant. The prompt then ends in <c>#</c>, otherwise in <c>$</c>.
    /// </summary>
    public bool IsFull => _refusedVerbs.Length == 0 && Groups.All(group => _of(new Permission(group)) == Access.Write);

    /// <summary>The access level for a table or command.</summary>
    public Access this[Permission permission] => _of(permission);

    /// <summary>
    /// Returns true if a verb of the root may be used at all (<c>cli-config</c>, <c>cli-exec</c>, … from 7.4.2 on;
    /// <c>system-diagnostics</c> before).
    /// </summary>
    public bool MayUse(string verb) => !_refusedVerbs.Contains(verb);

    /// <summary>Returns the rights of a profile.</summary>
    public static AccessRights Of(ConfigTree config, string profile) =>
        profile switch
        {
            Administrator.SuperAdmin => Everything,
            _ when config.List("system accprofile").Find(profile) is { } entry => Of(entry),
            "prof_admin" => ProfAdmin,
            "super_admin_readonly" when config.Schema.Table("system accprofile")!.BuiltIn.Contains(profile) => Look,
            _ => Nothing,
        };

    private static string[] Verbs => ["config", "get", "show", "execute", "diagnose"];

    private static AccessRights Of(ConfigObject profile)
    {
        bool Refuses(string attribute, bool unlessEnabled) =>
            profile.Schema.Attribute(attribute) is not null
            && (unlessEnabled ? !profile.Enabled(attribute) : profile.Text(attribute) == "disable");
        (string Verb, string Attribute)[] verbs =
        [
            ("config", "cli-config"),
            ("get", "cli-get"),
            ("show", "cli-show"),
            ("execute", "cli-exec"),
            ("diagnose", "cli-diagnose"),
        ];
        return new AccessRights(permission => Of(profile, permission))
        {
            _refusedVerbs =
            [
                .. verbs.Where(verb => Refuses(verb.Attribute, unlessEnabled: true)).Select(verb => verb.Verb),
                .. Refuses("system-diagnostics", unlessEnabled: false) ? (string[])["diagnose"] : [],
            ],
        };
    }

    private static Access Of(ConfigObject profile, Permission permission)
    {
        if (profile.Schema.Attribute(permission.Group) is null)
        {
            return Access.None;
        }
        var word = profile.Text(permission.Group);
        if (word != "custom")
        {
            return Of(word);
        }
        var table = permission.Group + "-permission";
        // A custom group as a whole (for the prompt) is never full.
        return profile.Schema.Child(table) is { } schema && schema.Attribute(permission.Part) is not null
            ? Of((profile.Children(table).Find("") ?? new ConfigObject(schema)).Text(permission.Part))
            : Access.None;
    }

    private static Access Of(string word) =>
        word switch
        {
            "read-write" => Access.Write,
            "read" => Access.Read,
            _ => Access.None,
        };
}
