using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>What the administrator of a session may do, by the configuration in force at each moment.</summary>
internal sealed class CliAccess(ConfigStore store, Func<Administrator> who)
{
    /// <summary>The device's word for what the profile does not allow; the end of the sentence is *assumed*.</summary>
    private static readonly ConfigError Denied = new(-37, "Permission denied.");

    private (ConfigTree? Config, Administrator? Who, AccessRights Rights) _known = (null, null, AccessRights.Nothing);

    /// <summary>His rights now.</summary>
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

    /// <summary>Null when a verb of the root may be used at all.</summary>
    internal ConfigError? Verb(string verb) => Rights.MayUse(verb) ? null : Denied;

    /// <summary>Null when a table may be looked at.</summary>
    internal ConfigError? Read(TableSchema table) => Rights[PermissionMap.OfTable(table.Path)] >= Access.Read ? null : Denied;

    /// <summary>Null when a table may be changed.</summary>
    internal ConfigError? Write(TableSchema table) => Rights[PermissionMap.OfTable(table.Path)] == Access.Write ? null : Denied;

    /// <summary>Null when a command may be run.</summary>
    internal ConfigError? Command(CliCommand command)
    {
        var (permission, needed) = PermissionMap.OfCommand(command.Words);
        return Rights[permission] >= needed ? null : Denied;
    }

    /// <summary>Null when he may go so far with something.</summary>
    internal ConfigError? Needs(Permission permission, Access needed) => Rights[permission] >= needed ? null : Denied;
}
