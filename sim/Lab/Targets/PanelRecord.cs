using Appliance.Hal;

namespace Appliance.Lab.Targets;

/// <summary>
/// A panel that records the patterns of its LEDs. In the simulator a start takes no time, so a pattern could not be observed otherwise.
/// </summary>
internal sealed class PanelRecord(IFrontPanel panel) : IFrontPanel
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<string>> _shown = [];

    public event Action? ResetHeld
    {
        add => panel.ResetHeld += value;
        remove => panel.ResetHeld -= value;
    }

    public void Show(PanelState state)
    {
        panel.Show(state);
        lock (_lock)
        {
            foreach (var led in panel.View().Leds)
            {
                if (!_shown.TryGetValue(led.Name, out var patterns))
                {
                    _shown[led.Name] = patterns = [];
                }
                if (patterns.LastOrDefault() != led.Pattern.ToString())
                {
                    patterns.Add(led.Pattern.ToString());
                }
            }
        }
    }

    public PanelView View() => panel.View();

    /// <summary>The patterns in order, since the last <see cref="Forget"/>.</summary>
    public IReadOnlyList<string> PatternsOf(string led)
    {
        lock (_lock)
        {
            return _shown.TryGetValue(led, out var patterns) ? [.. patterns] : [];
        }
    }

    public void Forget()
    {
        lock (_lock)
        {
            _shown.Clear();
        }
    }
}
