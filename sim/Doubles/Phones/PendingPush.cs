using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.Phones;

/// <summary>A push on its way to a phone, or on the phone's screen.</summary>
internal sealed class PendingPush(PushMessage message)
{
    public PushMessage Message => message;

    /// <summary>False while the phone is offline and the cloud stores the message.</summary>
    public bool Delivered { get; set; }

    /// <summary>True while an answer is in transit, which prevents a second one.</summary>
    public bool Answering { get; set; }
}
