using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Config;

namespace Appliance.Doubles.Clock;

/// <summary>The content of <c>clock.json</c>, in ticks of 100 ns (UTC).</summary>
/// <param name="Mode">The clock's mode, in the form of <see cref="ClockRate.ToString"/>.</param>
/// <param name="Position">The lab time at which, or after which, a restart resumes.</param>
/// <param name="Offset">Lab time minus wall time; used in real mode only.</param>
/// <param name="Absorbed">The part of the offset that absorbs setbacks of the wall clock; 0 in files of older releases.</param>
internal sealed record ClockState(string Mode, long Position, long Offset, long Absorbed = 0)
{
    /// <exception cref="InvalidDataException">The file exists and is not a clock's.</exception>
    public static ClockState? Load(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        return Read(File.ReadAllBytes(file))
            ?? throw new InvalidDataException($"{Path.GetFileName(file)} is damaged: it does not contain the lab's time");
    }

    /// <exception cref="IOException">The file cannot be written; the message names it.</exception>
    public void Save(string file)
    {
        try
        {
            AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(this, ClockJson.Default.ClockState));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the clock cannot be saved in {file}: {error.Message}", error);
        }
    }

    /// <summary>Reads a state; null if it is not a clock's.</summary>
    internal static ClockState? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return
                JsonSerializer.Deserialize(json, ClockJson.Default.ClockState) is { Mode: not null } state
                && ClockRate.Parse(state.Mode) is not null
                && state.Position > 0
                && state.Position <= LabClock.Latest.Ticks
                && state.Absorbed >= 0
                ? state
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ClockState))]
internal sealed partial class ClockJson : JsonSerializerContext;
