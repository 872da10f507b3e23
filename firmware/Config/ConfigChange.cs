namespace Appliance.Firmware.Config;

/// <summary>Who changes the configuration, as events spell it.</summary>
/// <param name="User">The administrator's name.</param>
/// <param name="Ui">The way in: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
/// <param name="Profile">The access profile in force.</param>
public sealed record ConfigAuthor(string User, string Ui, string Profile)
{
    /// <summary>The console that is part of the box: whoever holds it may do everything.</summary>
    public static readonly ConfigAuthor AttachedConsole = new("admin", "console", "super_admin");
}

/// <summary>A commit: the tree before, the tree after, and whose change it is.</summary>
public sealed record ConfigChange(ConfigTree Previous, ConfigTree Next, ConfigAuthor Author)
{
    /// <summary>True when a whole file takes the place of what was there: nobody sets the values in it anew.</summary>
    public bool IsRestored { get; init; }
}
