namespace Appliance.Hal;

/// <summary>The phase of the unit, which the LED <c>status</c> shows.</summary>
public enum PanelPhase
{
    /// <summary>The unit is starting: 100 ms on, 100 ms off.</summary>
    Starting,

    /// <summary>The unit serves without a configuration: 1 s on, 1 s off.</summary>
    NoConfiguration,

    /// <summary>The unit serves: on.</summary>
    Ready,

    /// <summary>The unit is stopping: 250 ms on, 250 ms off.</summary>
    Stopping,

    /// <summary>The unit is returning to the factory configuration: on, and <c>alarm</c> too.</summary>
    Resetting,
}

/// <summary>The alarm for the operator, which the LED <c>alarm</c> shows.</summary>
public enum PanelAlarm
{
    /// <summary>No alarm: off.</summary>
    None,

    /// <summary>A part does not work as configured: on.</summary>
    Degraded,

    /// <summary>A client or user is locked out now: 500 ms on, 500 ms off. Takes precedence over <see cref="Degraded"/>.</summary>
    LockedOut,
}

/// <summary>The state that a unit shows on its panel.</summary>
/// <param name="Phase">The phase, on the LED <c>status</c>.</param>
/// <param name="Alarm">The alarm, on the LED <c>alarm</c>.</param>
/// <param name="LinksUp">The interfaces whose LED is on.</param>
/// <param name="Lines">The lines on the display; a line that does not fit is truncated.</param>
public sealed record PanelState(PanelPhase Phase, PanelAlarm Alarm, IReadOnlySet<string> LinksUp, IReadOnlyList<string> Lines);

/// <summary>The current state of a LED.</summary>
public sealed record PanelLed(string Name, bool Lit, LedPattern Pattern);

/// <summary>The current state of a button.</summary>
/// <param name="Name">The button's name.</param>
/// <param name="Pressed">True while it is pressed (once its contacts have settled).</param>
/// <param name="Held">The time that it has been pressed; zero while it is not.</param>
public sealed record PanelButton(string Name, bool Pressed, TimeSpan Held);

/// <summary>The panel as a person in front of the box sees it.</summary>
/// <param name="Leds">The LEDs, in the board's order.</param>
/// <param name="Buttons">The buttons, in the board's order.</param>
/// <param name="Lines">The lines on the display; empty without a display.</param>
/// <param name="DisplayFault">The reason why the display does not show the lines; null if it does, or there is no display.</param>
public sealed record PanelView(
    IReadOnlyList<PanelLed> Leds,
    IReadOnlyList<PanelButton> Buttons,
    IReadOnlyList<string> Lines,
    string? DisplayFault
);

/// <summary>The LEDs, the button and the display of a box. All members may be called from any thread.</summary>
public interface IFrontPanel
{
    /// <summary>Shows a state from now on.</summary>
    void Show(PanelState state);

    /// <summary>Raised when <c>reset</c> has been held for five seconds. Handlers must return immediately.</summary>
    event Action? ResetHeld;

    /// <summary>Returns the current view.</summary>
    PanelView View();
}

/// <summary>A character display. Calls must not overlap.</summary>
public interface ICharacterDisplay : IDisposable
{
    /// <summary>The number of characters in a line.</summary>
    int Columns { get; }

    /// <summary>The number of lines.</summary>
    int Rows { get; }

    /// <summary>
    /// Shows these lines: one for each row, each of exactly <see cref="Columns"/> characters. Sets up the display first if necessary.
    /// </summary>
    /// <exception cref="IOException">The display does not respond. The next call tries again.</exception>
    void Show(IReadOnlyList<string> lines);
}
