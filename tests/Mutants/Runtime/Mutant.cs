using System.IO.MemoryMappedFiles;

namespace Appliance.Hal;

/// <summary>
/// The switch of the defects, added by scripts/mutants to the copy that it builds, and in no other build. The environment variable
/// APPLIANCE_MUTANT names the active defect. APPLIANCE_MUTANT_REACH names a file with one byte for each defect, set when the defect's
/// place is
/// reached.
/// </summary>
public static class Mutant
{
    private static readonly int Active = int.TryParse(Environment.GetEnvironmentVariable("APPLIANCE_MUTANT"), out var id) ? id : -1;
    private static readonly MemoryMappedViewAccessor? Reached = Open();

    /// <summary>Whether the defect is in force.</summary>
    public static bool Is(int id)
    {
        Reached?.Write(id, (byte)1);
        return id == Active;
    }

    private static MemoryMappedViewAccessor? Open() =>
        Environment.GetEnvironmentVariable("APPLIANCE_MUTANT_REACH") is { Length: > 0 } path
            ? MemoryMappedFile
                .CreateFromFile(
                    new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite),
                    null,
                    0,
                    MemoryMappedFileAccess.ReadWrite,
                    HandleInheritability.None,
                    leaveOpen: false
                )
                .CreateViewAccessor()
            : null;
}
