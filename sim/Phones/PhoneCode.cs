using Appliance.Firmware;
using OtpNet;

namespace Appliance.Sim.Phones;

/// <summary>The code that an app shows.</summary>
internal static class PhoneCode
{
    /// <summary>At a time by the app's own clock.</summary>
    public static string At(TokenActivation activation, DateTimeOffset time) =>
        new Totp(activation.Seed, (int)activation.Step.TotalSeconds, OtpHashMode.Sha1, activation.Digits).ComputeTotp(time.UtcDateTime);
}
