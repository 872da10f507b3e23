using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>The access rights of a session's administrator, evaluated against the running configuration on each use.</summary>
internal sealed class CliAccess(ConfigStore store, Func<Administrator> who)
{
    /// <summary>The device's error for an action that the access profile does not allow; the end of the sentence is *assumed*.</summary>
    private static readonly ConfigError Denied = new(-37, "Permission denied.");

    private (ConfigTree? Config, Administrator? Who, AccessRights Rights) _known = (null, null, AccessRights.Nothing);

    /// <summary>The administrator's current rights; cached until the configuration or the administrator changes.</summary>
    internal AccessRights Rights
    {
        get
        {
            var (config, administrator) = (store.Current, who());
            if (!ReferenceEquals(_known.Config, config) || !ReferenceEquals(_known.Who, administrator))
            {
                _known = (config, administrator, administrator.RightsIn(config));
            }
            return _known.Rights;
        }
    }

    /// <summary>Returns null if a root-level verb may be used at all, otherwise the error.</summary>
    internal ConfigError? Verb(string verb) => Rights.MayUse(verb) ? null : Denied;

    /// <summary>Returns null if the administrator may read a table, otherwise the error.</summary>
    internal ConfigError? Read(TableSchema table) => Rights[PermissionMap.OfTable(table.Path)] >= Access.Read ? null : Denied;

    /// <summary>Returns null if the administrator may change a table, otherwise the error.</summary>
    internal ConfigError? Write(TableSchema table) => Rights[PermissionMap.OfTable(table.Path)] == Access.Write ? null : Denied;

    /// <summary>Returns null if the administrator has the required access, otherwise the error.</summary>
    internal ConfigError? Needs(RequiredAccess required) => Rights[required.Permission] >= required.Level ? null : Denied;
}
