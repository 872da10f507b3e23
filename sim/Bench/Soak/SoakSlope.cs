namespace Appliance.Bench.Soak;

/// <summary>The growth of a quantity over its samples, by the straight line that fits best.</summary>
/// <param name="What">The name of the quantity.</param>
/// <param name="First">The line's first value.</param>
/// <param name="Last">The line's last value.</param>
/// <param name="PerHour">Its slope.</param>
/// <param name="Allowed">By how much it may grow over the looks and still be called flat.</param>
/// <param name="Flat">True if it grew by no more.</param>
internal sealed record SoakSlope(string What, double First, double Last, double PerHour, double Allowed, bool Flat)
{
    /// <summary>The least squares of values at their times.</summary>
    /// <param name="what">The name of the quantity.</param>
    /// <param name="looks">Time since the start and value; at least two.</param>
    /// <param name="share">What share of the beginning it may grow by,</param>
    /// <param name="constant">and how much beyond.</param>
    public static SoakSlope Of(string what, IReadOnlyList<(TimeSpan At, double Value)> looks, double share, double constant)
    {
        var (meanTime, meanValue) = (looks.Average(look => look.At.TotalHours), looks.Average(look => look.Value));
        var slope =
            looks.Sum(look => (look.At.TotalHours - meanTime) * (look.Value - meanValue))
            / looks.Sum(look => Math.Pow(look.At.TotalHours - meanTime, 2));
        double At(TimeSpan time) => meanValue + (slope * (time.TotalHours - meanTime));
        var (first, last) = (At(looks[0].At), At(looks[^1].At));
        var allowed = (share * Math.Abs(first)) + constant;
        return new SoakSlope(what, Math.Round(first), Math.Round(last), Math.Round(slope), Math.Round(allowed), last - first <= allowed);
    }
}
