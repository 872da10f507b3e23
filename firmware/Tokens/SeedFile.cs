using System.Text;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Tokens;

/// <summary>One token of a seed file. Contains a seed: never logged.</summary>
/// <param name="Serial">The serial number.</param>
/// <param name="Seed">The seed, in a form that <see cref="TokenSeed.Parse(string)"/> reads.</param>
public sealed record SeedRecord(string Serial, string Seed)
{
    /// <summary>The time steps that the token's clock is ahead of the correct time, from the file; negative if it is behind.</summary>
    public int Drift { get; init; }

    /// <summary>Returns a description without the seed.</summary>
    public override string ToString() => $"seed of {Serial}";
}

/// <summary>The file is not a usable seed file. The message names the line or element and contains no secret.</summary>
public sealed class SeedFileException(string message) : Exception(message);

/// <summary>
/// Reads seeds of hardware tokens from a file: <c>serial,seed</c> lines (<c>#</c> begins a comment), or PSKC (RFC 6030). The first
/// character distinguishes the formats. A file with any error is refused as a whole.
/// </summary>
public static class SeedFile
{
    /// <summary>The maximum size of a file, in bytes.</summary>
    public const int LengthMax = 1024 * 1024;

    private const int TokensMax = 10_000;
    private const int SerialMin = 4;
    private const int SerialMax = 16;

    /// <summary>Reads a file.</summary>
    /// <param name="content">The file's bytes.</param>
    /// <param name="key">The pre-shared key of an encrypted PSKC file; empty for none.</param>
    /// <exception cref="SeedFileException">The file is malformed or not supported.</exception>
    public static IReadOnlyList<SeedRecord> Read(byte[] content, byte[] key)
    {
        if (content.Length > LengthMax)
        {
            throw new SeedFileException($"the file is larger than {LengthMax} bytes");
        }
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw new SeedFileException("the file is not UTF-8");
        }
        var records = text.TrimStart().StartsWith('<') ? PskcFile.Read(text, key) : ReadLines(text);
        if (records.Count is 0 or > TokensMax)
        {
            throw new SeedFileException(records.Count == 0 ? "the file has no token" : $"the file has more than {TokensMax} tokens");
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (
                record.Serial.Length is < SerialMin or > SerialMax
                || !record.Serial.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c))
            )
            {
                throw new SeedFileException(
                    $"a serial number must have {SerialMin} to {SerialMax} capital letters and digits: {Shown(record.Serial)}"
                );
            }
            if (TokenEntry.IsMobile(record.Serial))
            {
                throw new SeedFileException($"{record.Serial} is a mobile token: its seed is created by its activation");
            }
            if (!seen.Add(record.Serial))
            {
                throw new SeedFileException($"{record.Serial} is repeated");
            }
            if (TokenSeed.Parse(record.Seed, out var fault) is not { } seed)
            {
                throw new SeedFileException($"the seed of {record.Serial} cannot be used: {fault}");
            }
            if (Math.Abs((long)record.Drift) * seed.Step > TokenCore.ResyncWindow)
            {
                throw new SeedFileException(
                    $"{record.Serial}: a TimeDrift of {record.Drift} steps is more than the {TokenCore.ResyncWindow.TotalMinutes} minutes that a token's clock may be off"
                );
            }
        }
        return records;
    }

    /// <summary>Returns external text in a form that is safe for a message: without control characters, at most 80 characters.</summary>
    public static string Shown(string text) => string.Concat(text.Where(c => !ControlCharacters.Includes(c)).Take(80));

    private static List<SeedRecord> ReadLines(string text)
    {
        var records = new List<SeedRecord>();
        var number = 0;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            number++;
            if (
                line.Trim() is not { Length: > 0 } entry
                || entry[0] == '#'
                || (number == 1 && entry.Equals("serial,seed", StringComparison.OrdinalIgnoreCase))
            )
            {
                continue;
            }
            if (entry.Split(',') is not [var serial, var seed])
            {
                throw new SeedFileException($"line {number} is not serial,seed");
            }
            records.Add(new SeedRecord(serial.Trim(), seed.Trim()));
        }
        return records;
    }
}
