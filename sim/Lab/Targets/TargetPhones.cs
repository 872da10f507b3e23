using Appliance.Doubles.Phones;

namespace Appliance.Lab.Targets;

/// <summary>The phones of a target, by owner or token.</summary>
internal sealed class TargetPhones(PhoneFleet fleet, TimeProvider time)
{
    /// <summary>Returns a phone; null if there is none.</summary>
    public Phone? Find(string user) => fleet.Phones.FirstOrDefault(phone => phone.User == user || phone.Serial == user);

    /// <summary>Activates a token on a new phone. Returns the reason of a failure, or null.</summary>
    public async Task<string?> EnrolAsync(string code, string platform)
    {
        var (phone, answer) = await fleet.EnrolAsync(code, platform);
        return phone is null ? answer.Message : null;
    }

    /// <summary>Returns the code that a phone displays this many steps from now; null if there is no such phone.</summary>
    public string? CodeOf(string user, int steps) =>
        Find(user) is { } phone
            ? PhoneCode.At(phone.Activation, time.GetUtcNow() + phone.View().Skew + (phone.Activation.Step * steps))
            : null;
}
