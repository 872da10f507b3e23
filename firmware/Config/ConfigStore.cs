namespace Appliance.Firmware.Config;

/// <summary>The configuration in force: one immutable tree, swapped by commits, saved as one text file.</summary>
public sealed class ConfigStore
{
    /// <summary>Opens the store on a file; when there is none yet, starts from <paramref name="firstConfiguration"/> and saves it.</summary>
    public static ConfigStore Open(ConfigSchema schema, string file, DeviceKey key, string firstConfiguration) => throw new NotSupportedException(file);

    /// <summary>The tree in force.</summary>
    public ConfigTree Current { get; } = null!;

    /// <summary>
    /// Adds a service that follows the configuration, and applies the current tree to it (from an empty one) at once.
    /// Later commits apply in the order of subscription.
    /// </summary>
    public ConfigError? Subscribe(IConfigSubscriber subscriber) => throw new NotSupportedException();

    /// <summary>
    /// Computes the next tree, validates it whole, applies it to every subscriber (undone on failure), saves it durably and swaps it in.
    /// Null when done; an error when nothing changed.
    /// </summary>
    public ConfigError? Commit(Func<ConfigTree, ConfigTree> change) => throw new NotSupportedException();
}
