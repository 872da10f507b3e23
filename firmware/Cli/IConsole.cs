namespace Appliance.Firmware.Cli;

/// <summary>
/// The layer between bytes and a session: echo, line editing, paging. Synchronous and without a clock; every returned text is to be shown
/// unchanged.
/// </summary>
internal interface IConsole
{
    /// <summary>True when the session is closed and no further input is handled.</summary>
    bool Closed { get; }

    /// <summary>Returns the initial output.</summary>
    string Start();

    /// <summary>
    /// Handles bytes up to the end of one command; <paramref name="used"/> is the number of bytes consumed (at least one).
    /// </summary>
    string Type(ReadOnlySpan<byte> bytes, out int used);

    /// <summary>Shows the reply of a pending command.</summary>
    string Answered(string text);

    /// <summary>Shows streamed text of a command before its reply.</summary>
    string Streamed(string text);

    /// <summary>True if the end of the input ends the session immediately; false if the buffered input is still executed.</summary>
    bool HangsUp { get; }

    /// <summary>Shows unsolicited text on separate lines.</summary>
    string Say(string text);

    /// <summary>Handles the end of the input.</summary>
    string End();
}
