using Appliance.Doubles.Phones;

namespace Appliance.Lab.Targets;

/// <summary>The phones of a box, each named by its owner or by its token.</summary>
internal sealed class TargetPhones(PhoneFleet fleet, TimeProvider time)
{
    /// <summary>A phone; null when there is none.</summary>
    public Phone? Find(string user) => fleet.Phones.FirstOrDefault(phone => phone.User == user || phone.Serial == user);

    /// <summary>Takes a token on a new phone; why it could not, or null.</summary>
    public async Task<string?> EnrolAsync(string code, string platform)
    {
        var (phone, answer) = await fleet.EnrolAsync(code, platform);
        return phone is null ? answer.Message : null;
    }

    /// <summary>The code that a phone shows, so many steps from now; null when there is no such phone.</summary>
    public string? CodeOf(string user, int steps) =>
        Find(user) is { } phone
            ? PhoneCode.At(phone.Activation, time.GetUtcNow() + phone.View().Skew + (phone.Activation.Step * steps))
            : null;
}
