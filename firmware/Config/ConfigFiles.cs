using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// The saved configuration and its revisions on a disk. A save makes the new file whole beside the old one, gives the old one its second
/// name among the revisions, and then puts the new one in its place: at every moment the name of the file has a whole configuration.
/// Not thread-safe.
/// </summary>
internal sealed class ConfigFiles(IDisk disk, string file)
{
    /// <summary>How many revisions are kept beside the newest; the oldest goes first.</summary>
    internal const int RevisionsMax = 100;

    private const string Folder = "revisions";
    private const int HeadSize = 4096;
    private readonly SortedSet<long> _numbers = [];

    /// <summary>The revision that is the file now; 0 before the first save.</summary>
    internal long Newest { get; private set; }

    /// <summary>The number for the next save.</summary>
    internal long Next => Math.Max(Newest, _numbers.Count > 0 ? _numbers.Max : 0) + 1;

    /// <summary>
    /// The text to boot; null on a fresh disk. When the file is damaged, that of the newest sound revision, which takes its place;
    /// <paramref name="warning"/> then says so.
    /// </summary>
    /// <exception cref="InvalidDataException">There is something, and none of it is sound.</exception>
    internal string? Load(out string? warning)
    {
        warning = null;
        foreach (var name in disk.Names(Folder))
        {
            if (name.EndsWith(".conf", StringComparison.Ordinal) && long.TryParse(name[..^5], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
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
                warning = $"{file} is {(isThere ? "damaged" : "missing")}; revision {number.ToString(CultureInfo.InvariantCulture)}, saved before it, was booted";
                AtomicFile.Write(disk, file, [older.Bytes]);
                Newest = number;
                return older.Text;
            }
        }
        return isThere || _numbers.Count > 0 ? throw new InvalidDataException($"{file} is {(isThere ? "damaged" : "missing")}, and there is no sound revision of it") : null;
    }

    /// <summary>Makes a new content durable; the one before it becomes a revision. On an exception the old one is still the file.</summary>
    internal void Save(long number, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        Prepare(parts);
        Publish(number);
    }

    /// <summary>Writes and syncs a new content under another name: a full disk refuses here. <see cref="Publish"/> or <see cref="Discard"/> follows.</summary>
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

    /// <summary>Forgets a prepared content. The file itself is as it was.</summary>
    internal void Discard() => PutBack(Newest, AtomicFile.Temporary(file));

    /// <summary>Gives the prepared content the file's name, durably; the content before it becomes a revision. On an exception the old one is still the file.</summary>
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

    /// <summary>Makes a content durable as a revision, beside the file that stands.</summary>
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

    /// <summary>The revisions, oldest first; those whose file cannot be read are left out.</summary>
    internal IReadOnlyList<ConfigRevision> Revisions() =>
        [.. _numbers.Select(number => Try(() => disk.Read(NameOf(number), HeadSize)) is { } head ? ConfigRevision.From(head) : null).OfType<ConfigRevision>()];

    /// <summary>The text of a revision; null when there is none of this number, or it is damaged.</summary>
    internal string? Read(long number) => _numbers.Contains(number) ? Sound(NameOf(number))?.Text : null;

    /// <summary>Deletes a revision; false when there is none of this number.</summary>
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

    /// <summary>After a save that failed: the old content under the file's name again, if the new one had got there.</summary>
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
            // The disk takes nothing any more. Each name on it still has a whole configuration, the old or the new one.
        }
    }

    private void Prune()
    {
        while (_numbers.Count > RevisionsMax)
        {
            // Not synced: a revision too many after a power cut harms nobody.
            if (Try(() => { disk.Delete(NameOf(_numbers.Min)); return ""; }) is null)
            {
                return;
            }
            _numbers.Remove(_numbers.Min);
        }
    }

    private (string Text, byte[] Bytes, long Number)? Sound(string name) =>
        Try(() => disk.Read(name)) is { } bytes && ConfigImage.Verified(bytes) is { } text
            ? (text, bytes, ConfigRevision.From(bytes.AsSpan(0, Math.Min(bytes.Length, HeadSize)))?.Number ?? 1) : null;

    /// <summary>Null when the disk cannot do it: what it cannot read is as good as damaged.</summary>
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
