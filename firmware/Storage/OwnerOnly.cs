namespace Appliance.Firmware.Storage;

/// <summary>
/// The access rights of a state folder: only its owner may read, write and enter it and everything in it, because it contains passwords,
/// keys and consumed codes. No effect on systems without such rights.
/// </summary>
public static class OwnerOnly
{
    /// <summary>The owner's rights to a file of the state.</summary>
    public const UnixFileMode OfFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The owner's rights to a folder of the state.</summary>
    public const UnixFileMode OfFolder = OfFile | UnixFileMode.UserExecute;

    private const UnixFileMode OfOthers =
        UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite
        | UnixFileMode.OtherExecute;

    /// <summary>
    /// Creates a folder with its parents if there is none, then removes all rights of other users to it and everything in it. Links are not
    /// followed.
    /// </summary>
    /// <exception cref="UnauthorizedAccessException">The rights cannot be changed, or the folder is one that users share; the message names
    /// the path and the reason.</exception>
    /// <exception cref="IOException">The folder cannot be created or read.</exception>
    public static void Enforce(string folder)
    {
        MakeFolder(folder);
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        if (File.GetUnixFileMode(folder).HasFlag(UnixFileMode.StickyBit))
        {
            throw new UnauthorizedAccessException(
                $"state folder {folder} is shared by users (its mode has the sticky bit); choose a folder below it"
            );
        }
        Restrict(folder);
        foreach (
            var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos(
                "*",
                new EnumerationOptions
                {
                    RecurseSubdirectories = true,
                    AttributesToSkip = FileAttributes.ReparsePoint,
                    IgnoreInaccessible = false,
                }
            )
        )
        {
            Restrict(entry.FullName);
        }
    }

    /// <summary>Creates a folder that only its owner may enter, if there is none.</summary>
    public static void MakeFolder(string folder) =>
        _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(folder) : Directory.CreateDirectory(folder, OfFolder);

    /// <summary>Opens a file for reading and writing, exclusively. A new file is accessible to its owner only.</summary>
    public static FileStream OpenAlone(string file)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OfFile;
        }
        return new FileStream(file, options);
    }

    /// <summary>
    /// Creates an empty file that is accessible to its owner only, if there is none. Removes other users' rights to an existing one.
    /// </summary>
    /// <exception cref="UnauthorizedAccessException">The rights cannot be changed.</exception>
    public static void MakeFile(string file)
    {
        if (!File.Exists(file))
        {
            OpenAlone(file).Dispose();
        }
        Restrict(file);
    }

    private static void Restrict(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        try
        {
            var mode = File.GetUnixFileMode(path);
            if ((mode & OfOthers) == 0)
            {
                return;
            }
            File.SetUnixFileMode(path, mode & ~OfOthers);
            // A file system without modes may accept the change and ignore it.
            if ((File.GetUnixFileMode(path) & OfOthers) != 0)
            {
                throw new UnauthorizedAccessException($"{path} is accessible to other users, and its file system does not support modes");
            }
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // The file was deleted in the meantime, so there is nothing to protect.
        }
        catch (Exception error)
            when (error is IOException or UnauthorizedAccessException && !error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new UnauthorizedAccessException($"{path} is accessible to other users; cannot change the mode: {error.Message}", error);
        }
    }
}
