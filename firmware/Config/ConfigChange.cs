namespace Appliance.Firmware.Config;

/// <summary>The author of a configuration change, as log events spell it.</summary>
/// <param name="User">The administrator's name.</param>
/// <param name="Ui">The access method: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
/// <param name="Profile">The access profile in force.</param>
public sealed record ConfigAuthor(string User, string Ui, string Profile)
{
    /// <summary>The console attached to the box, with full rights: physical access is unrestricted.</summary>
    public static readonly ConfigAuthor AttachedConsole = new("admin", "console", "super_admin");
}

/// <summary>A commit: the tree before, the tree after, and the author of the change.</summary>
public sealed record ConfigChange(ConfigTree Previous, ConfigTree Next, ConfigAuthor Author)
{
    /// <summary>True if a whole file replaces the configuration, so that its values are not set individually.</summary>
    public bool IsRestored { get; init; }
}
