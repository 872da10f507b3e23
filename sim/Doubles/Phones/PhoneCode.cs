using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using OtpNet;

namespace Appliance.Doubles.Phones;

/// <summary>Computes the code that an app shows.</summary>
internal static class PhoneCode
{
    /// <summary>Returns the code for a time of the app's own clock.</summary>
    public static string At(TokenActivation activation, DateTimeOffset time) =>
        new Totp(activation.Seed, (int)activation.Step.TotalSeconds, OtpHashMode.Sha1, activation.Digits).ComputeTotp(time.UtcDateTime);
}
