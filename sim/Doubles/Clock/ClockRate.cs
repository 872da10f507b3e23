using System.Globalization;

namespace Appliance.Doubles.Clock;

/// <summary>The way in which lab time advances without requests.</summary>
public enum ClockMode
{
    /// <summary>Lab time follows the wall clock, at an offset.</summary>
    Real,

    /// <summary>Lab time is stopped; only <c>POST /lab/clock</c> moves it.</summary>
    Frozen,

    /// <summary>Lab time runs faster than the wall clock by a whole factor.</summary>
    Scaled,
}

/// <summary>A mode with its factor, as <c>--clock</c> spells it: <c>real</c>, <c>frozen</c>, <c>x60</c>.</summary>
public readonly record struct ClockRate(ClockMode Mode, int Factor = 1)
{
    public const int MaxFactor = 10_000;

    public static ClockRate Real => new(ClockMode.Real);

    public static ClockRate Frozen => new(ClockMode.Frozen);

    public static ClockRate? Parse(string text) =>
        text switch
        {
            "real" => Real,
            "frozen" => Frozen,
            ['x', .. var digits]
                when int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var factor)
                    && factor is >= 1 and <= MaxFactor => new(ClockMode.Scaled, factor),
            _ => null,
        };

    public override string ToString() =>
        Mode switch
        {
            ClockMode.Real => "real",
            ClockMode.Frozen => "frozen",
            _ => "x" + Factor.ToString(CultureInfo.InvariantCulture),
        };
}
