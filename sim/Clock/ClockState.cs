using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Config;

namespace Appliance.Sim.Clock;

/// <summary>What <c>clock.json</c> keeps, in ticks of 100 ns (UTC).</summary>
/// <param name="Mode">As <see cref="ClockRate.ToString"/> gives it.</param>
/// <param name="Position">A restart resumes here or later.</param>
/// <param name="Offset">Lab time minus wall time; used in real mode only.</param>
internal sealed record ClockState(string Mode, long Position, long Offset)
{
    /// <exception cref="InvalidDataException">The file is there and is not a clock's.</exception>
    public static ClockState? Load(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        return Read(File.ReadAllBytes(file)) ?? throw new InvalidDataException($"{Path.GetFileName(file)} is damaged: it does not hold the lab's time");
    }

    /// <summary>Null for what is no clock's.</summary>
    internal static ClockState? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ClockJson.Default.ClockState) is { Mode: not null } state
                && ClockRate.Parse(state.Mode) is not null && state.Position > 0 && state.Position <= LabClock.Latest.Ticks ? state : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Save(string file) => AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(this, ClockJson.Default.ClockState));
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ClockState))]
internal sealed partial class ClockJson : JsonSerializerContext;
