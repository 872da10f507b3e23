using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Targets;

namespace Appliance.Bench;

/// <summary>The result. Any deviation from the documented behaviour fails.</summary>
internal sealed record ImageUpdateFigures(
    string Bench,
    IReadOnlyList<string> Refused,
    double UpdateSeconds,
    double RestartSeconds,
    IReadOnlyList<string> Rollback,
    double Seconds
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ImageUpdateFigures))]
internal sealed partial class ImageUpdateJson : JsonSerializerContext;

/// <summary>
/// The material that scripts/update makes for its benchmarks: a disk with version 1.0.0 in slot A, and a USB disk with updates.
/// </summary>
internal sealed record UpdateMaterial(string Image, string Disk, string Stick)
{
    public const string Good = "good.raucb";
    public const string Broken = "broken.raucb";
    public const string Before = "1.0.0";
    public const string After = "1.1.0";

    /// <summary>The updates that must be refused, with a word of each refusal.</summary>
    public static readonly (string File, string Word)[] Refused =
    [
        ("older.raucb", "downgrade refused: version 0.9.0 is older than 1.0.0"),
        ("forged.raucb", "signature verification failed"),
        ("changed.raucb", "Input/output error"),
        ("cut.raucb", "bundle"),
        ("board.raucb", "Compatible mismatch"),
        ("large.raucb", "No space left on device"),
        ("absent.raucb", "not on the USB disk"),
    ];

    /// <exception cref="LabFailure">The material is missing.</exception>
    public static UpdateMaterial Usual()
    {
        var image = QemuImage.UsualFolder(QemuImage.Slots);
        var folder = Path.Combine(image, "update");
        var material = new UpdateMaterial(image, Path.Combine(folder, "disk.img"), Path.Combine(folder, "stick.img"));
        return File.Exists(material.Disk) && File.Exists(material.Stick)
            ? material
            : throw new LabFailure(FailureKind.Missing, $"there is no {folder}: scripts/update makes it");
    }

    /// <summary>Creates a writable copy of the disk.</summary>
    public async Task<QemuImage> NewDiskAsync(string folder)
    {
        var disk = Path.Combine(folder, "disk.qcow2");
        var made = await TargetNetwork.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-b", Disk, "-F", "raw", disk]);
        return made.Length == 0
            ? new QemuImage(Image, QemuImage.Slots, disk) { Stick = Stick }
            : throw new LabFailure(FailureKind.Missing, $"the disk: {made}");
    }
}

/// <summary>
/// <c>bench image-update</c>: an emulated box with two slots installs updates from its USB disk. A refused update changes nothing. A good
/// one boots and
/// is marked good. One that ends, hangs and panics falls back to the previous version. The state is kept.
/// </summary>
internal static class ImageUpdateBench
{
    private const string Name = "before-update";

    public static async Task<string> RunAsync(bool json)
    {
        var material = UpdateMaterial.Usual();
        await TargetNetwork.MakeAsync();
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var figures = await UpdateAsync(await material.NewDiskAsync(folder.FullName));
            return json
                ? JsonSerializer.Serialize(figures, ImageUpdateJson.Default.ImageUpdateFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"image-update: {figures.Refused.Count} updates refused; a good one took {figures.UpdateSeconds:0.0} s and {figures.RestartSeconds:0.0} s to serve again; a broken one was tried {figures.Rollback.Count - 1} times and left ({string.Join(' ', figures.Rollback)}); {figures.Seconds:0} s in all"
                );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<ImageUpdateFigures> UpdateAsync(QemuImage image)
    {
        var began = LabClock.Wall.GetTimestamp();
        List<string> refused = [];
        await using (var box = await SlotBox.StartAsync(image))
        {
            Expect(await box.PassedAsync(), new SlotState("A", UpdateMaterial.Before, false, null, null));
            await box.NameAsync(Name);
            foreach (var (file, word) in UpdateMaterial.Refused)
            {
                var said = await box.RefusedAsync(file);
                refused.Add(
                    said.Contains(word, StringComparison.Ordinal)
                        ? file
                        : throw new LabFailure(FailureKind.AssertionFailed, $"{file} is not refused with '{word}' but:\n{said}")
                );
                Expect(await box.SlotAsync(), new SlotState("A", UpdateMaterial.Before, false, null, null));
            }
            await box.CutAsync();
        }
        await using (var box = await SlotBox.StartAsync(image))
        {
            Expect(await box.PassedAsync(), new SlotState("A", UpdateMaterial.Before, false, null, null));
            var (update, restart) = await UpdateAsync(box, UpdateMaterial.Good, "B", UpdateMaterial.After);
            var tried = await FallBackAsync(box);
            return new ImageUpdateFigures(
                "image-update",
                refused,
                update,
                restart,
                tried,
                Math.Round(LabClock.Wall.GetElapsedTime(began).TotalSeconds, 0)
            );
        }
    }

    private static async Task<(double Update, double Restart)> UpdateAsync(SlotBox box, string file, string slot, string version)
    {
        var began = LabClock.Wall.GetTimestamp();
        await box.BeginAsync(file);
        await box.InstalledAsync();
        var installed = LabClock.Wall.GetTimestamp();
        await box.RestartedAsync(slot);
        var served = LabClock.Wall.GetTimestamp();
        Expect(await box.PassedAsync(), new SlotState(slot, version, false, null, null));
        await ExpectStateAsync(box);
        return (
            Math.Round(LabClock.Wall.GetElapsedTime(began, installed).TotalSeconds, 1),
            Math.Round(LabClock.Wall.GetElapsedTime(installed, served).TotalSeconds, 1)
        );
    }

    /// <summary>
    /// Installs an update whose program ends, hangs and crashes the kernel in its three trials. The previous version serves afterwards.
    /// </summary>
    private static async Task<IReadOnlyList<string>> FallBackAsync(SlotBox box)
    {
        await box.BeginAsync(UpdateMaterial.Broken);
        await box.InstalledAsync();
        var tried = await box.RestartedAsync("B");
        if (!tried.SequenceEqual(["A", "A", "A", "B"]))
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"tried were {string.Join(' ', tried)}");
        }
        Expect(await box.PassedAsync(), new SlotState("B", UpdateMaterial.After, false, null, "A"));
        await ExpectStateAsync(box);
        return tried;
    }

    private static async Task ExpectStateAsync(SlotBox box)
    {
        if (await box.StateFaultAsync(Name) is { } fault)
        {
            throw new LabFailure(FailureKind.AssertionFailed, fault);
        }
    }

    private static void Expect(SlotState seen, SlotState expected)
    {
        if (seen != expected)
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"expected {expected}, the box tells {seen}");
        }
    }
}
