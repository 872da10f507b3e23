namespace Appliance.Hal;

/// <summary>How a LED shines: so long on, then so long off, over and over from the moment that it was set. Zero is never.</summary>
public readonly record struct LedPattern(TimeSpan On, TimeSpan Off)
{
    /// <summary>Dark.</summary>
    public static readonly LedPattern Dark;

    /// <summary>Without a pause.</summary>
    public static readonly LedPattern Steady = new(TimeSpan.MaxValue, TimeSpan.Zero);

    /// <summary>So many milliseconds on, as many off.</summary>
    public static LedPattern Blink(int milliseconds) => new(TimeSpan.FromMilliseconds(milliseconds), TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>True when it never changes.</summary>
    public bool IsSteady => On == TimeSpan.Zero || Off == TimeSpan.Zero;

    /// <summary>Whether it shines so long after it was set.</summary>
    public bool IsLit(TimeSpan since) => IsSteady ? On > TimeSpan.Zero : since.Ticks % (On + Off).Ticks < On.Ticks;

    /// <summary>How long after it was set it changes next; null when it does not.</summary>
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

    /// <summary><c>off</c>, <c>on</c>, or the milliseconds: <c>250/250</c>.</summary>
    public override string ToString() => On == TimeSpan.Zero ? "off" : Off == TimeSpan.Zero ? "on" : FormattableString.Invariant($"{On.TotalMilliseconds}/{Off.TotalMilliseconds}");
}
