namespace Appliance.Firmware.Cli;

/// <summary>
/// What stands between bytes and a session: echo, line editing, paging. Synchronous and without a clock; every text that it returns is to
/// be shown as it is.
/// </summary>
internal interface IConsole
{
    /// <summary>True when nothing more is answered.</summary>
    bool Closed { get; }

    /// <summary>What is shown first.</summary>
    string Start();

    /// <summary>Takes bytes up to the end of one command; <paramref name="used"/> says how many (at least one).</summary>
    string Type(ReadOnlySpan<byte> bytes, out int used);

    /// <summary>Shows the answer of a command that waited for it.</summary>
    string Answered(string text);

    /// <summary>Shows what a command streams before its answer.</summary>
    string Streamed(string text);

    /// <summary>True when the end of the input is the end of everything; false when what was typed is still carried out.</summary>
    bool HangsUp { get; }

    /// <summary>Shows what came by itself, on lines of its own.</summary>
    string Say(string text);

    /// <summary>The input has ended.</summary>
    string End();
}
