using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Events;

/// <summary>What can be watched with <c>diagnose debug application</c>.</summary>
public enum DebugArea
{
    /// <summary>Pushes and their answers.</summary>
    FtmPush,
    /// <summary>Who gets in and why not.</summary>
    Fnbamd,
    /// <summary>Requests of the SSL VPN.</summary>
    SslVpn,
    /// <summary>Requests of the management interface over HTTPS.</summary>
    Httpsd,
}

/// <summary>
/// Where services tell what they decide while somebody watches. A line that nobody watches is not even put together. Thread-safe. No secret,
/// code or cookie may be written; what comes from outside loses its control characters.
/// </summary>
public sealed class DebugTap
{
    private readonly Lock _lock = new();
    private volatile Listener[] _listeners = [];

    /// <summary>Watches until it is disposed.</summary>
    /// <param name="hears">Which areas, asked at each line.</param>
    /// <param name="say">Takes a line, ended by \n, on the thread that decides: it must only put it by, and must not throw.</param>
    public IDisposable Listen(Func<DebugArea, bool> hears, Action<string> say)
    {
        var listener = new Listener(this, hears, say);
        lock (_lock)
        {
            _listeners = [.. _listeners, listener];
        }
        return listener;
    }

    /// <summary>True while somebody watches an area.</summary>
    public bool IsWatched(DebugArea area)
    {
        foreach (var listener in _listeners)
        {
            if (listener.Hears(area))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Tells a line, if anybody watches.</summary>
    public void Write(DebugArea area, [InterpolatedStringHandlerArgument("", nameof(area))] ref DebugLine line)
    {
        if (!line.IsWatched)
        {
            return;
        }
        var text = line.Finish();
        foreach (var listener in _listeners)
        {
            if (listener.Hears(area))
            {
                listener.Say(text);
            }
        }
    }

    private sealed class Listener(DebugTap tap, Func<DebugArea, bool> hears, Action<string> say) : IDisposable
    {
        public bool Hears(DebugArea area) => hears(area);

        public void Say(string line) => say(line);

        public void Dispose()
        {
            lock (tap._lock)
            {
                tap._listeners = [.. tap._listeners.Where(listener => listener != this)];
            }
        }
    }
}

/// <summary>One line being put together; the compiler makes it of <c>$"…"</c>, and evaluates nothing of it while nobody watches.</summary>
[InterpolatedStringHandler]
public readonly ref struct DebugLine
{
    private readonly StringBuilder? _text;

    /// <summary>Begins a line.</summary>
    public DebugLine(int literalLength, int formattedCount, DebugTap tap, DebugArea area, out bool isWatched)
    {
        isWatched = tap.IsWatched(area);
        _text = isWatched ? new StringBuilder(literalLength + (formattedCount * 16) + 1) : null;
    }

    internal bool IsWatched => _text is not null;

    /// <summary>Our own words.</summary>
    public void AppendLiteral(string text) => _text!.Append(text);

    /// <summary>What may come from outside.</summary>
    public void AppendFormatted<T>(T value)
    {
        var text = value is IFormattable formattable ? formattable.ToString(null, CultureInfo.InvariantCulture) : value?.ToString();
        foreach (var character in text ?? "")
        {
            _text!.Append(ControlCharacters.Includes(character) ? '?' : character);
        }
    }

    internal string Finish() => _text!.Append('\n').ToString();
}
