namespace Appliance.Hal;

/// <summary>A LED's pattern: a time on, then a time off, repeated from the moment that it was set. Zero means never.</summary>
public readonly record struct LedPattern(TimeSpan On, TimeSpan Off)
{
    /// <summary>Always off.</summary>
    public static readonly LedPattern Dark;

    /// <summary>Always on.</summary>
    public static readonly LedPattern Steady = new(TimeSpan.MaxValue, TimeSpan.Zero);

    /// <summary>Returns a pattern with the same number of milliseconds on and off.</summary>
    public static LedPattern Blink(int milliseconds) =>
        new(TimeSpan.FromMilliseconds(milliseconds), TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>True if the LED never changes.</summary>
    public bool IsSteady => On == TimeSpan.Zero || Off == TimeSpan.Zero;

    /// <summary>Returns true if the LED is lit at a time after the pattern was set.</summary>
    public bool IsLit(TimeSpan since) => IsSteady ? On > TimeSpan.Zero : since.Ticks % (On + Off).Ticks < On.Ticks;

    /// <summary>Returns the time from setting the pattern to the next change; null if there is none.</summary>
    public TimeSpan? NextChange(TimeSpan since)
    {
        if (IsSteady)
        {
            return null;
        }
        var round = (On + Off).Ticks;
        var begun = since.Ticks / round * round;
        return TimeSpan.FromTicks(since.Ticks - begun < On.Ticks ? begun + On.Ticks : begun + round);
    }

    /// <summary>Returns <c>off</c>, <c>on</c>, or the milliseconds: <c>250/250</c>.</summary>
    public override string ToString() =>
        On == TimeSpan.Zero ? "off"
        : Off == TimeSpan.Zero ? "on"
        : FormattableString.Invariant($"{On.TotalMilliseconds}/{Off.TotalMilliseconds}");
}
