namespace Appliance.Hal;

/// <summary>What the unit is about; told by the LED <c>status</c>.</summary>
public enum PanelPhase
{
    /// <summary>It starts: 100 ms on, 100 ms off.</summary>
    Starting,
    /// <summary>It serves, and nothing is configured yet: a second on, a second off.</summary>
    NoConfiguration,
    /// <summary>It serves: on.</summary>
    Ready,
    /// <summary>It stops: 250 ms on, 250 ms off.</summary>
    Stopping,
    /// <summary>It goes back to the factory configuration: on, and <c>alarm</c> too.</summary>
    Resetting,
}

/// <summary>What an operator should look at; told by the LED <c>alarm</c>.</summary>
public enum PanelAlarm
{
    /// <summary>Nothing: off.</summary>
    None,
    /// <summary>Something does not work as configured: on.</summary>
    Degraded,
    /// <summary>Somebody is locked out now: 500 ms on, 500 ms off. Comes before <see cref="Degraded"/>.</summary>
    LockedOut,
}

/// <summary>What a unit wants its panel to tell.</summary>
/// <param name="Phase">The LED <c>status</c>.</param>
/// <param name="Alarm">The LED <c>alarm</c>.</param>
/// <param name="LinksUp">The interfaces whose LED is on.</param>
/// <param name="Lines">What the display shows; what does not fit is cut.</param>
public sealed record PanelState(PanelPhase Phase, PanelAlarm Alarm, IReadOnlySet<string> LinksUp, IReadOnlyList<string> Lines);

/// <summary>A LED as it is now.</summary>
public sealed record PanelLed(string Name, bool Lit, LedPattern Pattern);

/// <summary>A button as it is now.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pressed">True while it is down (once its contacts have settled).</param>
/// <param name="Held">How long it has been down; zero while it is not.</param>
public sealed record PanelButton(string Name, bool Pressed, TimeSpan Held);

/// <summary>What a person in front of the box sees.</summary>
/// <param name="Leds">In the board's order.</param>
/// <param name="Buttons">In the board's order.</param>
/// <param name="Lines">What the display shows; empty without one.</param>
/// <param name="DisplayFault">Why the display does not show it; null when it does, or there is none.</param>
public sealed record PanelView(IReadOnlyList<PanelLed> Leds, IReadOnlyList<PanelButton> Buttons, IReadOnlyList<string> Lines, string? DisplayFault);

/// <summary>The LEDs, the button and the display of a box. All members may be called from any thread.</summary>
public interface IFrontPanel
{
    /// <summary>Shows a state from now on.</summary>
    void Show(PanelState state);

    /// <summary>Raised when <c>reset</c> was held for five seconds; the handler returns at once.</summary>
    event Action? ResetHeld;

    /// <summary>What is seen now.</summary>
    PanelView View();
}

/// <summary>A character display. Calls come one at a time.</summary>
public interface ICharacterDisplay : IDisposable
{
    /// <summary>How many characters a line has.</summary>
    int Columns { get; }

    /// <summary>How many lines there are.</summary>
    int Rows { get; }

    /// <summary>Shows these lines, each as long as a line is; as many as there are rows. Sets the display up first when that is needed.</summary>
    /// <exception cref="IOException">It does not answer. The next call tries again.</exception>
    void Show(IReadOnlyList<string> lines);
}
