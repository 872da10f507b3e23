using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;

namespace Appliance.Firmware;

/// <summary>Takes a phone's registration out of the configuration once the provider says that it is gone: the token has to be provisioned again.</summary>
internal sealed class RegistrationLoss(ConfigStore config, EventLog events)
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
        }
    }
}
