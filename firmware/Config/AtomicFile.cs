using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>
/// Writes a whole file or nothing: temporary file, fsync, rename, fsync of the folder. After a power cut the file has either the old or
/// the new content.
/// </summary>
public static class AtomicFile
{
    /// <summary>
    /// Replaces <paramref name="path"/>; on return the new content is durable. Only the owner may read and write the file. Several
    /// processes may call this at the same time: the file always has the whole content of one of them.
    /// </summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var (disk, written) = WriteBeside(path, content);
        try
        {
            disk.Rename(written, Path.GetFileName(path));
        }
        catch
        {
            disk.Delete(written);
            throw;
        }
        disk.SyncFolder("");
    }

    /// <summary>
    /// Creates <paramref name="path"/> unless it exists. Several processes may call this at the same time: one of them creates the file
    /// with its whole content, and the others find it.
    /// </summary>
    /// <returns>True if the file was created; on return it is durable. False if it existed.</returns>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content)
    {
        if (File.Exists(path))
        {
            return false;
        }
        var (disk, written) = WriteBeside(path, content);
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, written);
        try
        {
            File.Move(beside, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(beside);
            return false;
        }
        disk.SyncFolder("");
        return true;
    }

    /// <summary>Replaces a file in a disk's root folder; on return the new content is durable.</summary>
    internal static void Write(IDisk disk, string file, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        disk.Write(Temporary(file), parts);
        disk.Sync(Temporary(file));
        disk.Rename(Temporary(file), file);
        disk.SyncFolder("");
    }

    /// <summary>Writes a temporary file next to its target, under a name that no other process uses.</summary>
    private static (FileDisk Disk, string Name) WriteBeside(string path, ReadOnlySpan<byte> content)
    {
        var disk = new FileDisk(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var written = Temporary($"{Path.GetFileName(path)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        try
        {
            disk.Write(written, [content.ToArray()]);
            disk.Sync(written);
        }
        catch
        {
            disk.Delete(written);
            throw;
        }
        return (disk, written);
    }

    /// <summary>Returns the name under which a file is written before it is complete.</summary>
    internal static string Temporary(string file) => file + ".new";
}
