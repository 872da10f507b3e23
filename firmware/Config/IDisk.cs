namespace Appliance.Firmware.Config;

/// <summary>
/// What keeping files safe asks of a disk. Names are relative to the folder that the disk stands for. Nothing is durable before its
/// sync: content after <see cref="Sync"/> of the file, names after <see cref="SyncFolder"/> of the folder that holds them.
/// </summary>
/// <remarks>Every method throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when the disk refuses.</remarks>
internal interface IDisk
{
    /// <summary>The names of the files in a folder, in no order; none when there is no such folder.</summary>
    IReadOnlyList<string> Names(string folder);

    /// <summary>A file's content, of which <paramref name="most"/> bytes are enough; null when there is no such file.</summary>
    byte[]? Read(string file, int most = int.MaxValue);

    /// <summary>Makes a new file; one that had the name loses it. Owner may read and write, nobody else. The folder is made when it is missing.</summary>
    void Write(string file, IReadOnlyList<ReadOnlyMemory<byte>> parts);

    /// <summary>Makes a file's content durable.</summary>
    void Sync(string file);

    /// <summary>Gives a file another name; a file that had it is gone, in one step.</summary>
    void Rename(string from, string to);

    /// <summary>Gives a file a second name; one that is there already stands. The folder is made when it is missing.</summary>
    void Link(string file, string second);

    /// <summary>Takes a name away; one that is not there is no error.</summary>
    void Delete(string file);

    /// <summary>Makes the names in a folder durable.</summary>
    void SyncFolder(string folder);
}
