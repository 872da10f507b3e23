namespace Appliance.Firmware.Cli;

/// <summary>A command of the console beyond the edit tree.</summary>
/// <param name="Words">The whole words, the verb first (<c>get system status</c>).</param>
/// <param name="Help">A line for <c>?</c>.</param>
/// <param name="Run">Runs it with the words after these; returns what is printed, lines ended by \n.</param>
public sealed record CliCommand(string Words, string Help, Func<IReadOnlyList<string>, string> Run);
