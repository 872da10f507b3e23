namespace Appliance.Firmware.Config;

/// <summary>
/// The disk operations for durable files. Names are relative to the disk's root folder. Nothing is durable before it is synced: content
/// after <see cref="Sync"/> of the file, names after <see cref="SyncFolder"/> of the folder that contains them.
/// </summary>
/// <remarks>Every method throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> if the operation fails.</remarks>
internal interface IDisk
{
    /// <summary>Returns the names of the files in a folder, unordered; empty if there is no such folder.</summary>
    IReadOnlyList<string> Names(string folder);

    /// <summary>Reads a file, at most <paramref name="most"/> bytes; null if there is no such file.</summary>
    byte[]? Read(string file, int most = int.MaxValue);

    /// <summary>
    /// Creates a new file; an existing file with this name is unlinked first. Only the owner may read and write it. A missing folder is
    /// created.
    /// </summary>
    void Write(string file, IReadOnlyList<ReadOnlyMemory<byte>> parts);

    /// <summary>Makes a file's content durable.</summary>
    void Sync(string file);

    /// <summary>Renames a file; an existing file with the new name is replaced atomically.</summary>
    void Rename(string from, string to);

    /// <summary>Links a file under a second name; an existing file with that name is left unchanged. A missing folder is created.</summary>
    void Link(string file, string second);

    /// <summary>Deletes a name; no error if it does not exist.</summary>
    void Delete(string file);

    /// <summary>Makes the names in a folder durable.</summary>
    void SyncFolder(string folder);
}
