using Appliance.Firmware.Cli;

namespace Appliance.Firmware.Monitoring;

/// <summary>Displays alarms of the unit on every console with a logged-in administrator, each on a separate line. Thread-safe.</summary>
internal sealed class ConsoleAlarms
{
    private event Action<string>? Raised;

    /// <summary>Registers a console, which displays alarms until its session ends.</summary>
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

    /// <summary>Displays an alarm. Returns immediately.</summary>
    internal void Raise(string text) => Raised?.Invoke($"\n*** {text} ***\n");
}
