using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;

namespace Appliance.Firmware;

/// <summary>Takes a phone's registration out of the configuration once the provider says that it is gone: the token has to be provisioned again.</summary>
/// <param name="config">Where the registration stands.</param>
/// <param name="events">Where it is told.</param>
/// <param name="provision">Asks for the token's activation anew, by serial number.</param>
internal sealed class RegistrationLoss(ConfigStore config, EventLog events, Action<string> provision)
{
    private const string Tokens = "user fortitoken";

    /// <summary>Removes the registration, once: a token that has another by now, or none, is left alone.</summary>
    internal void Remove(RegistrationGone gone)
    {
        var removed = false;
        var error = config.Commit(tree =>
        {
            removed = tree.List(Tokens).Find(gone.Serial) is { } token && token.Text("reg-id") == gone.RegistrationId;
            return removed ? tree.With(Tokens, tree.List(Tokens).With(gone.Serial, tree.List(Tokens).Find(gone.Serial)!.Without("reg-id").Without("os-ver"))) : tree;
        });
        if (error is null && removed)
        {
            events.Write(PushEvents.RegistrationRemoved(gone.Serial));
            provision(gone.Serial);
        }
    }
}
