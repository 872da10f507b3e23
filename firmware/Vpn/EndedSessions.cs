using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The sessions whose end could not be written to the state database because the disk is full. The file has its full size from the start
/// and is only overwritten in place, which needs no free space. An ended session therefore stays ended even if the unit loses power while
/// the disk is full. Thread-safe.
/// </summary>
public sealed class EndedSessions : IDisposable
{
    /// <summary>Size of a record in bytes: the first half of the SHA-256 of a cookie's digest. All zeros mark a free record.</summary>
    private const int RecordSize = 16;
    private const int RecordsMax = 4096;

    private readonly FileStream _file;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _records = new(StringComparer.Ordinal);

    private EndedSessions(FileStream file) => _file = file;

    /// <summary>Opens the file, or creates it.</summary>
    /// <exception cref="IOException">The file cannot be created: the disk has no room for it.</exception>
    public static EndedSessions Open(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        var ended = new EndedSessions(new FileStream(path, options));
        ended.Load();
        return ended;
    }

    /// <summary>True when there are no records.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _records.Count == 0;
            }
        }
    }

    /// <summary>The version of the records, incremented with every addition.</summary>
    public long Version { get; private set; }

    /// <summary>Returns true when the session with this cookie digest is recorded as ended.</summary>
    public bool Contains(string digest)
    {
        lock (_lock)
        {
            return _records.Count > 0 && _records.Contains(Convert.ToHexStringLower(Record(digest)));
        }
    }

    /// <summary>
    /// Records sessions as ended, durably. Sessions beyond <c>RecordsMax</c> are not recorded; their rows are still deleted once the
    /// database can be written.
    /// </summary>
    public void Add(IEnumerable<string> digests)
    {
        lock (_lock)
        {
            foreach (var digest in digests)
            {
                var record = Record(digest);
                if (_records.Count < RecordsMax && _records.Add(Convert.ToHexStringLower(record)))
                {
                    RandomAccess.Write(_file.SafeFileHandle, record, (_records.Count - 1) * RecordSize);
                    Version++;
                }
            }
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
        }
    }

    /// <summary>Deletes every record, unless one was added since this version. Call once the database contains all of these ends.</summary>
    public void Clear(long? version = null)
    {
        lock (_lock)
        {
            if (_records.Count == 0 || (version ?? Version) != Version)
            {
                return;
            }
            RandomAccess.Write(_file.SafeFileHandle, new byte[_records.Count * RecordSize], 0);
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
            _records.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static byte[] Record(string digest) => SHA256.HashData(Encoding.ASCII.GetBytes(digest))[..RecordSize];

    private void Load()
    {
        var content = new byte[RecordsMax * RecordSize];
        var length = RandomAccess.Read(_file.SafeFileHandle, content, 0);
        if (length < content.Length)
        {
            // The content is written, not just extended: a sparse file would need free space later.
            RandomAccess.Write(_file.SafeFileHandle, content, 0);
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
        }
        for (var at = 0; at < length; at += RecordSize)
        {
            var record = content.AsSpan(at, RecordSize);
            if (record.ContainsAnyExcept((byte)0))
            {
                _records.Add(Convert.ToHexStringLower(record));
            }
        }
    }
}
