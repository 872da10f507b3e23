using Appliance.Firmware.Cli;

namespace Appliance.Firmware;

/// <summary>Displays alarms of the unit on every console with a logged-in administrator, each on a line of its own. Thread-safe.</summary>
internal sealed class ConsoleAlarms
{
    private event Action<string>? Raised;

    /// <summary>A console that displays alarms until it ends.</summary>
    internal CliSession On(CliSession session)
    {
        Raised += Display;
        session.Ended += () => Raised -= Display;
        return session;

        void Display(string text)
        {
            if (!session.LogsIn)
            {
                session.Say(text);
            }
        }
    }

    /// <summary>Displays an alarm. Returns at once.</summary>
    internal void Raise(string text) => Raised?.Invoke($"\n*** {text} ***\n");
}
