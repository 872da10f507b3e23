using Appliance.Firmware.Config;

namespace Appliance.Tests.Config;

/// <summary>
/// A disk in memory that can lose its power. It separates synced from unsynced data by the rules of POSIX: content is durable after the
/// sync of the file, a name after the sync of its folder. Before that, each unsynced step may be present or absent, in any order, and
/// unsynced content may be partial.
/// </summary>
internal sealed class CrashDisk : IDisk
{
    /// <summary>The disk operations in order; a power cut precedes one of them.</summary>
    private readonly Dictionary<string, Inode> _names;

    /// <summary>Names as they are on the platter.</summary>
    private readonly Dictionary<string, Inode> _durable;

    /// <summary>Changes of names that no sync has made sure yet, oldest first.</summary>
    private readonly List<NameChange> _pending = [];

    public CrashDisk() => (_names, _durable) = (new(StringComparer.Ordinal), new(StringComparer.Ordinal));

    private CrashDisk(IEnumerable<KeyValuePair<string, byte[]>> files)
    {
        _names = files.ToDictionary(file => file.Key, file => new Inode(file.Value) { IsSynced = true }, StringComparer.Ordinal);
        _durable = new(_names, StringComparer.Ordinal);
    }

    /// <summary>The number of completed operations.</summary>
    public int Operations { get; private set; }

    /// <summary>The power goes before the operation of this number (from 0); it and all later ones throw <see cref="PowerCut"/>.</summary>
    public int CutAt { get; set; } = int.MaxValue;

    /// <summary>The operation of this number fails with this error instead, once.</summary>
    public (int At, IOException Error)? Fault { get; set; }

    /// <summary>A write that fails halfway leaves this much of the content.</summary>
    public bool FaultLeavesHalf { get; set; }

    /// <summary>The files as they are now, for a disk that was switched off in good order.</summary>
    public IReadOnlyDictionary<string, byte[]> Files =>
        _names.ToDictionary(name => name.Key, name => name.Value.Content, StringComparer.Ordinal);

    /// <summary>A disk with these files, all of them sure.</summary>
    public static CrashDisk Of(IEnumerable<KeyValuePair<string, byte[]>> files) => new(files);

    /// <summary>
    /// Every possible state of the disk after a power cut now: each subset of the name changes that are not durable, and for each file
    /// without durable content none of it, pieces of it, blocks of zeros, or all of it.
    /// </summary>
    public IEnumerable<IReadOnlyDictionary<string, byte[]>> StatesAfterPowerCut()
    {
        for (var subset = 0; subset < 1 << _pending.Count; subset++)
        {
            var names = new Dictionary<string, Inode>(_durable, StringComparer.Ordinal);
            for (var at = 0; at < _pending.Count; at++)
            {
                if ((subset >> at & 1) == 1)
                {
                    Apply(names, _pending[at]);
                }
            }
            var unsure = names.Where(name => !name.Value.IsSynced).Select(name => name.Value).Distinct().ToArray();
            if (unsure.Length > 1)
            {
                throw new InvalidOperationException("more than one file is unsynced at once: the enumeration would miss states");
            }
            if (unsure is not [var inode])
            {
                yield return names.ToDictionary(name => name.Key, name => name.Value.Content, StringComparer.Ordinal);
                continue;
            }
            foreach (var content in Torn(inode.Content))
            {
                yield return names.ToDictionary(
                    name => name.Key,
                    name => name.Value == inode ? content : name.Value.Content,
                    StringComparer.Ordinal
                );
            }
        }
    }

    public IReadOnlyList<string> Names(string folder) =>
        [.. _names.Keys.Where(name => FolderOf(name) == folder).Select(name => Path.GetFileName(name))];

    public byte[]? Read(string file, int most)
    {
        Next();
        return _names.TryGetValue(file, out var inode) ? inode.Content[..Math.Min(most, inode.Content.Length)] : null;
    }

    public void Write(string file, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        byte[] content = [.. parts.SelectMany(part => part.ToArray())];
        try
        {
            Next();
        }
        catch (IOException) when (FaultLeavesHalf)
        {
            Change(new(file, new Inode(content[..(content.Length / 2)]), null, FolderOf(file)));
            throw;
        }
        Change(new(file, new Inode(content), null, FolderOf(file)));
    }

    public void Sync(string file)
    {
        Next();
        _names[file].IsSynced = true;
    }

    public void Rename(string from, string to)
    {
        Next();
        if (FolderOf(from) != FolderOf(to))
        {
            throw new InvalidOperationException("a rename between folders is two changes: not modelled");
        }
        Change(new(to, _names[from], from, FolderOf(to)));
    }

    public void Link(string file, string second)
    {
        Next();
        if (!_names.ContainsKey(second))
        {
            Change(new(second, _names[file], null, FolderOf(second)));
        }
    }

    public void Delete(string file)
    {
        Next();
        if (_names.ContainsKey(file))
        {
            Change(new(file, null, null, FolderOf(file)));
        }
    }

    public void SyncFolder(string folder)
    {
        Next();
        foreach (var change in _pending.Where(change => change.Folder == folder))
        {
            Apply(_durable, change);
        }
        _pending.RemoveAll(change => change.Folder == folder);
    }

    private static string FolderOf(string file) => Path.GetDirectoryName(file)!;

    private static void Apply(Dictionary<string, Inode> names, NameChange change)
    {
        if (change.Gone is { } gone)
        {
            names.Remove(gone);
        }
        if (change.Inode is { } inode)
        {
            names[change.Name] = inode;
        }
        else
        {
            names.Remove(change.Name);
        }
    }

    /// <summary>
    /// The possible remains of content that was not synced: any length, or the whole length with blocks that were not written.
    /// </summary>
    private static IEnumerable<byte[]> Torn(byte[] content)
    {
        const int Block = 512;
        for (var length = 0; length <= content.Length; length++)
        {
            yield return content[..length];
        }
        for (var block = 0; block * Block < content.Length; block++)
        {
            var holed = content.ToArray();
            holed.AsSpan(block * Block, Math.Min(Block, content.Length - (block * Block))).Clear();
            yield return holed;
            var onlyThis = new byte[content.Length];
            content.AsSpan(block * Block, Math.Min(Block, content.Length - (block * Block))).CopyTo(onlyThis.AsSpan(block * Block));
            yield return onlyThis;
        }
    }

    private void Change(NameChange change)
    {
        Apply(_names, change);
        _pending.Add(change);
    }

    private void Next()
    {
        if (Operations >= CutAt)
        {
            throw new PowerCut();
        }
        if (Fault is { } fault && fault.At == Operations)
        {
            Operations++;
            Fault = null;
            throw fault.Error;
        }
        Operations++;
    }

    /// <summary>The exception of a power cut. It is not an <see cref="IOException"/>, which the store would handle.</summary>
    public sealed class PowerCut : Exception;

    private sealed class Inode(byte[] content)
    {
        public byte[] Content { get; set; } = content;
        public bool IsSynced { get; set; }
    }

    /// <summary>A name gets an inode, or none; with a rename, another name goes in the same step.</summary>
    private sealed record NameChange(string Name, Inode? Inode, string? Gone, string Folder);
}
