namespace Appliance.Firmware.Config;

/// <summary>Writes a whole file or nothing: temporary file, fsync, rename, fsync of the folder. After a power cut the old or the new content is there.</summary>
public static class AtomicFile
{
    /// <summary>Replaces <paramref name="path"/>; on return the new content is durable. Owner may read and write, nobody else.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content) =>
        Write(new FileDisk(Path.GetDirectoryName(Path.GetFullPath(path))!), Path.GetFileName(path), [content.ToArray()]);

    /// <summary>Replaces a file of a disk's own folder; on return the new content is durable.</summary>
    internal static void Write(IDisk disk, string file, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        disk.Write(Temporary(file), parts);
        disk.Sync(Temporary(file));
        disk.Rename(Temporary(file), file);
        disk.SyncFolder("");
    }

    /// <summary>The name under which a file is written before it is whole.</summary>
    internal static string Temporary(string file) => file + ".new";
}
