namespace Appliance.Firmware.Storage;

/// <summary>One statement to be made durable: the SQL (prepared once per text) and its values <c>$0, $1, …</c> in order.</summary>
public readonly record struct StateWrite(string Sql, params object?[] Values);
