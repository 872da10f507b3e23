using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Targets;

namespace Appliance.Bench;

/// <summary>The result of the power cuts. If <c>Lost</c> is not empty, no other figure is valid.</summary>
internal sealed record UpdateCutsFigures(
    string Bench,
    int Seed,
    int Rounds,
    double UpdateSeconds,
    int BootedOld,
    int BootedNew,
    IReadOnlyList<string> Lost,
    double SecondsPerRound
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(UpdateCutsFigures))]
internal sealed partial class UpdateCutsJson : JsonSerializerContext;

/// <summary>
/// <c>bench image-update-cuts</c>: the power is cut at random moments, spread over an update and the first start after it. The box boots
/// the old
/// version or the new one; after the acknowledgement it always boots the new one. Its state is unchanged. Each round begins from the same
/// moment before the update.
/// </summary>
internal static class ImageUpdateCutsBench
{
    internal const int RoundsDefault = 4;
    private const string Name = "before-cut";
    private const string Snapshot = "before";

    /// <summary>Cuts reach beyond the update, into the first start of the new version.</summary>
    private const double Beyond = 1.25;

    public static async Task<string> RunAsync(int rounds, int seed, bool json)
    {
        var material = UpdateMaterial.Usual();
        await TargetNetwork.MakeAsync();
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var image = await material.NewDiskAsync(folder.FullName);
            await PrepareAsync(image);
            var figures = await CutAsync(image, rounds, seed);
            var text = json
                ? JsonSerializer.Serialize(figures, UpdateCutsJson.Default.UpdateCutsFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"image-update-cuts: {rounds} cuts (seed {seed}) during an update of {figures.UpdateSeconds:0.0} s; booted old {figures.BootedOld} times, new {figures.BootedNew} times; {figures.SecondsPerRound:0.0} s a round"
                );
            return figures.Lost.Count == 0
                ? text
                : throw new LabFailure(FailureKind.AssertionFailed, $"{text}\n{string.Join('\n', figures.Lost)}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task PrepareAsync(QemuImage image)
    {
        await using var box = await SlotBox.StartAsync(image);
        await box.NameAsync(Name);
        await box.PassedAsync();
        await box.Control.MonitorAsync($"savevm {Snapshot}");
    }

    private static async Task<UpdateCutsFigures> CutAsync(QemuImage image, int rounds, int seed)
    {
        var random = new Random(seed);
        var whole = await MeasureAsync(Copy(image));
        var (old, @new) = (0, 0);
        var lost = new List<string>();
        var began = LabClock.Wall.GetTimestamp();
        for (var round = 0; round < rounds; round++)
        {
            // A moment in each part of the update, the parts as many as rounds.
            var after = whole * Beyond * ((round + random.NextDouble()) / rounds);
            var copy = Copy(image);
            var acknowledged = await CutAsync(copy, after);
            await using var box = await SlotBox.StartAsync(copy with { Snapshot = null });
            var slot = await box.PassedAsync();
            var wrong =
                await box.StateFaultAsync(Name)
                ?? slot switch
                {
                    { Slot: "B", Version: UpdateMaterial.After, Next: null, Failed: null } => null,
                    { Slot: "A", Version: UpdateMaterial.Before, Next: null, Failed: null } when !acknowledged => null,
                    _ => $"it runs {slot}",
                };
            _ = slot.Slot == "B" ? @new++ : old++;
            if (wrong is not null)
            {
                lost.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"round {round}, cut {after.TotalSeconds:0.00} s after the question{(acknowledged ? ", acknowledged" : "")}: {wrong}"
                    )
                );
            }
            else if (round == rounds - 1 && slot.Slot == "A")
            {
                // An interrupted update does not prevent the next attempt.
                await box.BeginAsync(UpdateMaterial.Good);
                await box.InstalledAsync();
            }
        }
        return new UpdateCutsFigures(
            "image-update-cuts",
            seed,
            rounds,
            Math.Round(whole.TotalSeconds, 1),
            old,
            @new,
            lost,
            Math.Round(LabClock.Wall.GetElapsedTime(began).TotalSeconds / rounds, 1)
        );
    }

    /// <summary>The time of an undisturbed update.</summary>
    private static async Task<TimeSpan> MeasureAsync(QemuImage image)
    {
        await using var box = await SlotBox.StartAsync(image);
        var began = LabClock.Wall.GetTimestamp();
        await box.BeginAsync(UpdateMaterial.Good);
        await box.InstalledAsync();
        return LabClock.Wall.GetElapsedTime(began);
    }

    /// <summary>True if the update was acknowledged before the power cut.</summary>
    private static async Task<bool> CutAsync(QemuImage image, TimeSpan after)
    {
        await using var box = await SlotBox.StartAsync(image);
        await box.BeginAsync(UpdateMaterial.Good);
        var installed = box.InstalledAsync();
        await Task.Delay(after, LabClock.Wall);
        var acknowledged = installed.IsCompletedSuccessfully;
        await box.CutAsync();
        try
        {
            await installed;
        }
        catch (IOException)
        {
            // The power is gone.
        }
        return acknowledged;
    }

    /// <summary>Copies the disk with its snapshot to a separate file.</summary>
    private static QemuImage Copy(QemuImage image)
    {
        var copy = Path.Combine(Path.GetDirectoryName(image.Disk)!, "round.qcow2");
        File.Copy(image.Disk, copy, overwrite: true);
        return image with { Disk = copy, Snapshot = Snapshot };
    }
}
