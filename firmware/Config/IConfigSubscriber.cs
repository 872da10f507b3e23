namespace Appliance.Firmware.Config;

/// <summary>A running service that follows the configuration. Called under the store's commit lock, one commit at a time.</summary>
public interface IConfigSubscriber
{
    /// <summary>
    /// Makes the running service obey <paramref name="next"/>. On an error nothing of it may remain in force: the store then
    /// undoes the subscribers before this one (by applying the old tree again) and refuses the commit.
    /// </summary>
    ConfigError? Apply(ConfigTree previous, ConfigTree next);
}
