namespace Appliance.Hal;

/// <summary>The panel's output at one moment.</summary>
/// <param name="Leds">The LEDs, in the board's order.</param>
/// <param name="Lines">The lines on the display.</param>
/// <param name="Pressed">True while <c>reset</c> is pressed.</param>
/// <param name="Held">The time that it has been pressed.</param>
/// <param name="ResetDue">True once for each time that it was held long enough.</param>
/// <param name="Next">The time of the next change without an input; null if there is none.</param>
internal sealed record PanelFrame(
    IReadOnlyList<PanelLed> Leds,
    IReadOnlyList<string> Lines,
    bool Pressed,
    TimeSpan Held,
    bool ResetDue,
    TimeSpan? Next
);

/// <summary>
/// The panel's logic: LED patterns and the reset button. Synchronous. The caller serializes calls and supplies the time, which must never
/// go back. A press counts once the contacts have been stable for 20 ms, and its duration is measured from the contact. While <c>reset</c>
/// is pressed, <c>status</c> and <c>alarm</c> blink together: 250 ms on and off, in the last two seconds 100 ms. After five seconds the
/// reset is due, once. A button that is released earlier has no effect. A button that is pressed when the panel starts must be released
/// first, so a stuck one resets nothing.
/// </summary>
internal sealed class PanelCore
{
    internal static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(20);
    internal static readonly TimeSpan Hold = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Hurry = TimeSpan.FromSeconds(3);
    private static readonly LedPattern Counting = LedPattern.Blink(250);
    private static readonly LedPattern Hurrying = LedPattern.Blink(100);

    private readonly string[] _leds;
    private readonly (LedPattern Pattern, TimeSpan Since)[] _shown;
    private PanelState _state = new(PanelPhase.Starting, PanelAlarm.None, new HashSet<string>(), []);
    private bool _contact;
    private TimeSpan _contactSince;
    private bool _pressed;
    private TimeSpan _pressedAt;
    private bool _spent;

    /// <summary>Creates a panel that has just been powered on.</summary>
    /// <param name="leds">The names of the LEDs.</param>
    /// <param name="pressed">True if the button is pressed.</param>
    /// <param name="now">The current time.</param>
    internal PanelCore(IEnumerable<string> leds, bool pressed, TimeSpan now)
    {
        _leds = [.. leds];
        _shown = [.. _leds.Select(_ => (LedPattern.Dark, now))];
        _contact = pressed;
        _pressed = pressed;
        _spent = pressed;
        _contactSince = now;
        _pressedAt = now;
    }

    internal void Show(PanelState state) => _state = state;

    /// <summary>Reports that the button's contact opened or closed.</summary>
    internal void Contact(bool closed, TimeSpan now)
    {
        Settle(now);
        if (closed != _contact)
        {
            (_contact, _contactSince) = (closed, now);
        }
    }

    /// <summary>Returns the output from now on.</summary>
    internal PanelFrame Advance(TimeSpan now)
    {
        Settle(now);
        var due = _pressed && _contact && !_spent && now - _pressedAt >= Hold;
        if (due)
        {
            _spent = true;
            _state = _state with { Phase = PanelPhase.Resetting };
        }
        TimeSpan? next = _contact != _pressed ? _contactSince + Debounce : null;
        var counting = _pressed && !_spent;
        if (counting)
        {
            var held = now - _pressedAt;
            // Each second the countdown on the display changes, and the LED pattern or the due reset with it. A contact that is open now
            // is settled first.
            next = Earlier(next, held < Hold ? _pressedAt + TimeSpan.FromSeconds(Math.Floor(held.TotalSeconds) + 1) : null);
        }
        var leds = new PanelLed[_leds.Length];
        for (var at = 0; at < leds.Length; at++)
        {
            var (pattern, begun) = PatternOf(_leds[at], counting, now);
            if (_shown[at].Pattern != pattern)
            {
                _shown[at] = (pattern, begun);
            }
            var since = now - _shown[at].Since;
            leds[at] = new PanelLed(_leds[at], pattern.IsLit(since), pattern);
            next = Earlier(next, pattern.NextChange(since) is { } change ? _shown[at].Since + change : null);
        }
        return new PanelFrame(leds, LinesOf(counting, now), _pressed, _pressed ? now - _pressedAt : TimeSpan.Zero, due, next);
    }

    private void Settle(TimeSpan now)
    {
        if (_contact == _pressed || now - _contactSince < Debounce)
        {
            return;
        }
        _pressed = _contact;
        if (_pressed)
        {
            (_pressedAt, _spent) = (_contactSince, false);
        }
    }

    private (LedPattern Pattern, TimeSpan Begun) PatternOf(string led, bool counting, TimeSpan now)
    {
        if (led is "status" or "alarm")
        {
            if (counting)
            {
                return now - _pressedAt < Hurry ? (Counting, _pressedAt) : (Hurrying, _pressedAt + Hurry);
            }
            if (_state.Phase == PanelPhase.Resetting)
            {
                return (LedPattern.Steady, now);
            }
        }
        return (
            led switch
            {
                "status" => _state.Phase switch
                {
                    PanelPhase.Starting => LedPattern.Blink(100),
                    PanelPhase.NoConfiguration => LedPattern.Blink(1000),
                    PanelPhase.Stopping => LedPattern.Blink(250),
                    _ => LedPattern.Steady,
                },
                "alarm" => _state.Alarm switch
                {
                    PanelAlarm.LockedOut => LedPattern.Blink(500),
                    PanelAlarm.Degraded => LedPattern.Steady,
                    _ => LedPattern.Dark,
                },
                "ha" => LedPattern.Dark, // High-availability pairs are not served.
                _ => _state.LinksUp.Contains(led) ? LedPattern.Steady : LedPattern.Dark,
            },
            now
        );
    }

    private IReadOnlyList<string> LinesOf(bool counting, TimeSpan now) =>
        counting ? [$"Reset in {Math.Max(1, (int)Math.Ceiling((Hold - (now - _pressedAt)).TotalSeconds))} s", "release to stop"]
        : _state.Phase == PanelPhase.Resetting ? ["Factory reset", ""]
        : _state.Lines;

    private static TimeSpan? Earlier(TimeSpan? left, TimeSpan? right) => left is null || right < left ? right ?? left : left;
}
