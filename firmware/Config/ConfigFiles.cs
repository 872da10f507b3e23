using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// The saved configuration and its revisions on a disk. A save writes the complete new file next to the old one, links the old one under
/// a second name among the revisions, and then renames the new one into place. The file name therefore always refers to a complete
/// configuration. Not thread-safe.
/// </summary>
internal sealed class ConfigFiles(IDisk disk, string file)
{
    /// <summary>The maximum number of revisions besides the newest; the oldest is deleted first.</summary>
    internal const int RevisionsMax = 100;

    private const string Folder = "revisions";
    private const int HeadSize = 4096;
    private readonly SortedSet<long> _numbers = [];

    /// <summary>The revision that is currently the file; 0 before the first save.</summary>
    internal long Newest { get; private set; }

    /// <summary>The number of the next save.</summary>
    internal long Next => Math.Max(Newest, _numbers.Count > 0 ? _numbers.Max : 0) + 1;

    /// <summary>
    /// Returns the text to boot; null on an empty disk. If the file is damaged, the newest intact revision replaces it, and
    /// <paramref name="warning"/> reports this.
    /// </summary>
    /// <exception cref="InvalidDataException">Files exist, but none of them is intact.</exception>
    internal string? Load(out string? warning)
    {
        warning = null;
        foreach (var name in disk.Names(Folder))
        {
            if (
                name.EndsWith(".conf", StringComparison.Ordinal)
                && long.TryParse(name[..^5], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            )
            {
                _numbers.Add(number);
            }
        }
        if (Sound(file) is { } newest)
        {
            Newest = newest.Number;
            return newest.Text;
        }
        var isThere = disk.Names("").Contains(file);
        foreach (var number in _numbers.Reverse())
        {
            if (Sound(NameOf(number)) is { } older)
            {
                warning =
                    $"{file} is {(isThere ? "damaged" : "missing")}; revision {number.ToString(CultureInfo.InvariantCulture)}, saved before it, was booted";
                AtomicFile.Write(disk, file, [older.Bytes]);
                Newest = number;
                return older.Text;
            }
        }
        return isThere || _numbers.Count > 0
            ? throw new InvalidDataException($"{file} is {(isThere ? "damaged" : "missing")}, and no intact revision exists")
            : null;
    }

    /// <summary>
    /// Makes new content durable; the previous content becomes a revision. On an exception the old content is still the file.
    /// </summary>
    internal void Save(long number, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        Prepare(parts);
        Publish(number);
    }

    /// <summary>
    /// Writes and syncs new content under a temporary name; a full disk fails here. <see cref="Publish"/> or <see cref="Discard"/> must
    /// follow.
    /// </summary>
    internal void Prepare(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        try
        {
            disk.Write(AtomicFile.Temporary(file), parts);
            disk.Sync(AtomicFile.Temporary(file));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Discard();
            throw;
        }
    }

    /// <summary>Discards prepared content; the file is unchanged.</summary>
    internal void Discard() => PutBack(Newest, AtomicFile.Temporary(file));

    /// <summary>
    /// Renames the prepared content to the file, durably; the previous content becomes a revision. On an exception the old content is
    /// still the file.
    /// </summary>
    internal void Publish(long number)
    {
        var (written, before) = (AtomicFile.Temporary(file), Newest);
        try
        {
            Keep();
            disk.Rename(written, file);
            Newest = number;
            disk.SyncFolder("");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            PutBack(before, written);
            throw;
        }
        Prune();
    }

    /// <summary>Makes content durable as a revision, without changing the file.</summary>
    internal void SaveRevision(long number, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var written = AtomicFile.Temporary(NameOf(number));
        disk.Write(written, parts);
        disk.Sync(written);
        disk.Rename(written, NameOf(number));
        disk.SyncFolder(Folder);
        _numbers.Add(number);
        Prune();
    }

    /// <summary>Returns the revisions, oldest first; revisions whose file cannot be read are omitted.</summary>
    internal IReadOnlyList<ConfigRevision> Revisions() =>
        [
            .. _numbers
                .Select(number => Try(() => disk.Read(NameOf(number), HeadSize)) is { } head ? ConfigRevision.From(head) : null)
                .OfType<ConfigRevision>(),
        ];

    /// <summary>Returns the text of a revision; null if there is none with this number or it is damaged.</summary>
    internal string? Read(long number) => _numbers.Contains(number) ? Sound(NameOf(number))?.Text : null;

    /// <summary>Deletes a revision; false if there is none with this number.</summary>
    internal bool Delete(long number)
    {
        if (!_numbers.Contains(number))
        {
            return false;
        }
        disk.Delete(NameOf(number));
        disk.SyncFolder(Folder);
        return _numbers.Remove(number);
    }

    private static string NameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{number:000000}.conf");

    private void Keep()
    {
        if (Newest > 0 && !_numbers.Contains(Newest))
        {
            disk.Link(file, NameOf(Newest));
            disk.SyncFolder(Folder);
            _numbers.Add(Newest);
        }
    }

    /// <summary>Restores the old content under the file's name after a failed save, if the new content had replaced it.</summary>
    private void PutBack(long before, string written)
    {
        try
        {
            disk.Delete(written);
            if (Newest != before)
            {
                Newest = before;
                if (before == 0)
                {
                    disk.Delete(file);
                }
                else
                {
                    disk.Link(NameOf(before), written);
                    disk.Rename(written, file);
                }
                disk.SyncFolder("");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk no longer accepts writes. Each name on it still refers to a complete configuration, the old or the new one.
        }
    }

    private void Prune()
    {
        while (_numbers.Count > RevisionsMax)
        {
            // Not synced: an extra revision after a power cut is harmless.
            if (
                Try(() =>
                {
                    disk.Delete(NameOf(_numbers.Min));
                    return "";
                })
                is null
            )
            {
                return;
            }
            _numbers.Remove(_numbers.Min);
        }
    }

    private (string Text, byte[] Bytes, long Number)? Sound(string name) =>
        Try(() => disk.Read(name)) is { } bytes && ConfigImage.Verified(bytes) is { } text
            ? (text, bytes, ConfigRevision.From(bytes.AsSpan(0, Math.Min(bytes.Length, HeadSize)))?.Number ?? 1)
            : null;

    /// <summary>Runs a disk operation; returns null on an I/O error, because an unreadable file is treated like a damaged one.</summary>
    private static T? Try<T>(Func<T?> work)
        where T : class
    {
        try
        {
            return work();
        }
        catch (IOException)
        {
            return null;
        }
    }
}
