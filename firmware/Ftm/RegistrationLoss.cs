using Appliance.Firmware.Config;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Ftm;

/// <summary>
/// Removes a phone's registration from the configuration once the provider reports that it is gone. The token has to be provisioned again.
/// </summary>
/// <param name="config">The configuration that holds the registration.</param>
/// <param name="events">The event log.</param>
/// <param name="provision">Requests, and completes with, a new activation of the token, by serial number.</param>
internal sealed class RegistrationLoss(ConfigStore config, EventLog events, Func<string, Task> provision)
{
    private const string Tokens = "user fortitoken";

    /// <summary>Removes the registration, once. A token that has another registration by now, or none, is left unchanged.</summary>
    internal async Task RemoveAsync(RegistrationGone gone)
    {
        var removed = false;
        var error = config.Commit(tree =>
        {
            removed = tree.List(Tokens).Find(gone.Serial) is { } token && token.Text("reg-id") == gone.RegistrationId;
            return removed
                ? tree.With(
                    Tokens,
                    tree.List(Tokens).With(gone.Serial, tree.List(Tokens).Find(gone.Serial)!.Without("reg-id").Without("os-ver"))
                )
                : tree;
        });
        if (error is null && removed)
        {
            events.Write(PushEvents.RegistrationRemoved(gone.Serial));
            await provision(gone.Serial).ConfigureAwait(false);
        }
    }
}
