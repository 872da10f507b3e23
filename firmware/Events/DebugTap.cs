using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Events;

/// <summary>The applications that <c>diagnose debug application</c> can show.</summary>
public enum DebugArea
{
    /// <summary>Pushes and their answers.</summary>
    FtmPush,

    /// <summary>Authentication decisions and their reasons.</summary>
    Fnbamd,

    /// <summary>Requests of the SSL VPN.</summary>
    SslVpn,

    /// <summary>Requests of the management interface over HTTPS.</summary>
    Httpsd,
}

/// <summary>
/// Receives debug lines from the services and passes them to the active listeners. A line without a listener is not even formatted.
/// Thread-safe. Secrets, codes and cookies must not be written. Control characters are removed from external input.
/// </summary>
public sealed class DebugTap
{
    private readonly Lock _lock = new();
    private volatile Listener[] _listeners = [];

    /// <summary>Adds a listener, which is active until it is disposed.</summary>
    /// <param name="hears">Selects the areas; called for each line.</param>
    /// <param name="say">Receives a line, ended by \n, on the thread that writes it. It must only store the line, and must not
    /// throw.</param>
    public IDisposable Listen(Func<DebugArea, bool> hears, Action<string> say)
    {
        var listener = new Listener(this, hears, say);
        lock (_lock)
        {
            _listeners = [.. _listeners, listener];
        }
        return listener;
    }

    /// <summary>Returns true while a listener watches an area.</summary>
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

    /// <summary>Writes a line, if a listener watches the area.</summary>
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

/// <summary>
/// A line being formatted. The compiler generates it from <c>$"…"</c>, and evaluates none of its values while no listener watches.
/// </summary>
[InterpolatedStringHandler]
public readonly ref struct DebugLine
{
    private readonly StringBuilder? _text;

    /// <summary>Starts a line.</summary>
    public DebugLine(int literalLength, int formattedCount, DebugTap tap, DebugArea area, out bool isWatched)
    {
        isWatched = tap.IsWatched(area);
        _text = isWatched ? new StringBuilder(literalLength + (formattedCount * 16) + 1) : null;
    }

    /// <summary>Appends a literal part.</summary>
    public void AppendLiteral(string text) => _text!.Append(text);

    /// <summary>Appends a value, which may be external input.</summary>
    public void AppendFormatted<T>(T value)
    {
        var text = value is IFormattable formattable ? formattable.ToString(null, CultureInfo.InvariantCulture) : value?.ToString();
        foreach (var character in text ?? "")
        {
            _text!.Append(ControlCharacters.Includes(character) ? '?' : character);
        }
    }

    internal bool IsWatched => _text is not null;

    internal string Finish() => _text!.Append('\n').ToString();
}
