using Appliance.Firmware.Ftm;

namespace Appliance.Sim.Phones;

/// <summary>A push on its way to a phone, or on its screen.</summary>
internal sealed class PendingPush(PushMessage message)
{
    public PushMessage Message => message;

    /// <summary>False while the phone is offline and the cloud keeps the message.</summary>
    public bool Delivered { get; set; }

    /// <summary>True while an answer to it is under way: nobody else can give a second one.</summary>
    public bool Answering { get; set; }
}
