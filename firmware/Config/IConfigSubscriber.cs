namespace Appliance.Firmware.Config;

/// <summary>A running service that follows the configuration. Called under the store's commit lock, one commit at a time.</summary>
public interface IConfigSubscriber
{
    /// <summary>
    /// Makes the running service obey <paramref name="next"/>. On an error nothing of it may remain in force: the store then
    /// undoes the subscribers before this one (by applying the old tree again) and refuses the commit.
    /// </summary>
    /// <remarks>
    /// The commit can still be refused, by a later subscriber or by the disk. An effect that cannot be undone (a session ends, a pending login is
    /// refused) belongs into <see cref="InForce"/>.
    /// </remarks>
    ConfigError? Apply(ConfigTree previous, ConfigTree next);

    /// <summary>
    /// The commit is saved (unless saving is manual) and in force; it cannot be refused any more. Called in the order of subscription, after every
    /// <see cref="Apply"/>. Must not throw.
    /// </summary>
    void InForce(ConfigTree previous, ConfigTree next)
    {
    }
}
