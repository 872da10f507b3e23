using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Firmware.Config;

/// <summary>A disk that is a folder of the file system.</summary>
internal sealed partial class FileDisk(string folder) : IDisk
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int Exists = 17; // EEXIST, the same on every supported system.

    public IReadOnlyList<string> Names(string folder) =>
        Directory.Exists(At(folder)) ? [.. Directory.EnumerateFiles(At(folder)).Select(file => Path.GetFileName(file))] : [];

    public byte[]? Read(string file, int most)
    {
        if (!File.Exists(At(file)))
        {
            return null;
        }
        using var handle = File.OpenHandle(At(file));
        var content = new byte[Math.Min(most, RandomAccess.GetLength(handle))];
        var length = 0;
        while (length < content.Length && RandomAccess.Read(handle, content.AsSpan(length), length) is > 0 and var more)
        {
            length += more;
        }
        return length == content.Length ? content : content[..length];
    }

    public void Write(string file, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        MakeFolderOf(file);
        // Never overwrites a file that may have a second name.
        File.Delete(At(file));
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }
        using var stream = new FileStream(At(file), options);
        RandomAccess.Write(stream.SafeFileHandle, parts, 0);
    }

    public void Sync(string file)
    {
        using var handle = File.OpenHandle(At(file), FileMode.Open, FileAccess.Write);
        RandomAccess.FlushToDisk(handle);
    }

    public void Rename(string from, string to) => File.Move(At(from), At(to), overwrite: true);

    public void Link(string file, string second)
    {
        MakeFolderOf(second);
        if (!OperatingSystem.IsWindows() && (Link2(At(file), At(second)) == 0 || Marshal.GetLastPInvokeError() == Exists))
        {
            return;
        }
        // A file system without hard links (FAT): a copy has the same effect.
        if (!File.Exists(At(second)))
        {
            var written = AtomicFile.Temporary(second);
            Write(written, [Read(file, int.MaxValue)]);
            Sync(written);
            Rename(written, second);
        }
    }

    public void Delete(string file)
    {
        if (File.Exists(At(file)))
        {
            File.Delete(At(file));
        }
    }

    public void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals the names; there is no handle to flush.
        }
        using SafeFileHandle handle = new(Open(At(folder), 0), ownsHandle: true);
        if (handle.IsInvalid || FSync(handle) != 0)
        {
            throw new IOException($"cannot sync {Path.GetFileName(At(folder))}: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    private string At(string name) => Path.Combine(folder, name);

    private void MakeFolderOf(string file)
    {
        var parent = Path.GetDirectoryName(At(file))!;
        if (!Directory.Exists(parent))
        {
            _ = OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(parent)
                : Directory.CreateDirectory(parent, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link2(string path, string second);
}
