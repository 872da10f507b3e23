namespace Appliance.Firmware.Config;

/// <summary>A running service that follows the configuration. Called under the store's commit lock, one commit at a time.</summary>
public interface IConfigSubscriber
{
    /// <summary>
    /// Applies <paramref name="next"/> to the running service. After an error no part of it may remain in force: the store then undoes
    /// the subscribers before this one (by applying the old tree again) and rejects the commit.
    /// </summary>
    /// <remarks>
    /// The commit can still be rejected, by a later subscriber or by the disk. An effect that cannot be undone (a session ends, a pending
    /// login is rejected) belongs in <see cref="InForce"/>.
    /// </remarks>
    ConfigError? Apply(ConfigTree previous, ConfigTree next);

    /// <summary>
    /// Called when the commit is saved (unless saving is manual), in force, and can no longer be rejected. Called in the order of
    /// subscription, after every <see cref="Apply"/>. Must not throw.
    /// </summary>
    void InForce(ConfigTree previous, ConfigTree next) { }
}
