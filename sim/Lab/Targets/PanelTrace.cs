using Appliance.Hal;

namespace Appliance.Lab.Targets;

/// <summary>A recording of a panel's LEDs.</summary>
internal sealed class PanelTrace(Board board)
{
    private readonly List<(bool Lit, TimeSpan Since)>[] _changes = [.. board.Leds.Select(_ => new List<(bool, TimeSpan)>())];

    /// <summary>Adds the levels of the chip's lines at a time, which never goes back.</summary>
    public void See(ulong lines, TimeSpan now)
    {
        for (var at = 0; at < board.Leds.Count; at++)
        {
            if (PanelLines.IsLit(board.Leds[at], lines) is var lit && (_changes[at].Count == 0 || _changes[at][^1].Lit != lit))
            {
                _changes[at].Add((lit, now));
            }
        }
    }

    /// <summary>
    /// Returns the consecutive patterns of a LED, in milliseconds on and off. The first interval had begun before, and the last one has not
    /// ended.
    /// </summary>
    /// <exception cref="FormatException">There is no such LED.</exception>
    public IReadOnlyList<string> PatternsOf(string name)
    {
        var at = board.Leds.TakeWhile(led => led.Name != name).Count();
        var changes = at < board.Leds.Count ? _changes[at] : throw new FormatException($"the panel has no LED '{name}'");
        var patterns = new List<string>();
        for (var begin = 1; begin + 2 < changes.Count; begin++)
        {
            if (
                changes[begin].Lit
                && $"{Stretch(changes, begin)}/{Stretch(changes, begin + 1)}" is var pattern
                && patterns.LastOrDefault() != pattern
            )
            {
                patterns.Add(pattern);
            }
        }
        return patterns;
    }

    private static string Stretch(List<(bool Lit, TimeSpan Since)> changes, int at) =>
        PanelLines.Milliseconds(changes[at + 1].Since - changes[at].Since);
}
