using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>
/// A configuration in its on-disk form: the text of <c>show</c> and two comment lines, the lengths of its parts and a digest over the
/// parts' digests. Parts that are unchanged since the last save are not formatted, sealed or hashed again.
/// </summary>
internal sealed class ConfigImage : IDisposable
{
    private const int PartSize = 8 * 1024;
    private static readonly byte[] PartsMark = "\n#parts="u8.ToArray();
    private static readonly byte[] ChecksumMark = "\n#checksum="u8.ToArray();

    private readonly DeviceKey _key;
    private readonly ConfigText _text;
    private readonly MemoryStream _open = new();
    private readonly List<ReadOnlyMemory<byte>> _parts = [];
    private readonly IncrementalHash _digests = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly StringBuilder _lengths = new("#parts=");

    private ConfigImage(DeviceKey key) => (_key, _text) = (key, new ConfigText(secret => key.Seal(Encoding.UTF8.GetBytes(secret))));

    /// <inheritdoc/>
    public void Dispose()
    {
        _open.Dispose();
        _digests.Dispose();
    }

    /// <summary>Returns the bytes of the file, in pieces.</summary>
    internal static IReadOnlyList<ReadOnlyMemory<byte>> Of(ConfigTree tree, string header, DeviceKey key)
    {
        using var image = new ConfigImage(key);
        image._open.Write(Encoding.UTF8.GetBytes(header));
        foreach (var table in tree.HeldPaths.Select(path => tree.Schema.Table(path)!))
        {
            image.Add(tree, table);
        }
        return image.Finish();
    }

    /// <summary>Returns the text of an intact file; null for any other.</summary>
    internal static string? Verified(byte[] file)
    {
        var mark = file.AsSpan().LastIndexOf(ChecksumMark);
        var partsMark = mark < 0 ? -1 : file.AsSpan(0, mark).LastIndexOf(PartsMark);
        if (partsMark < 0)
        {
            // The format of releases before parts: one digest over everything.
            return mark >= 0 && file.AsSpan(mark + 1).SequenceEqual(ChecksumLine(SHA256.HashData(file.AsSpan(0, mark + 1))))
                ? Encoding.UTF8.GetString(file, 0, mark + 1)
                : null;
        }
        var body = file.AsSpan(0, partsMark + 1);
        var lengths = file.AsSpan(partsMark + 1, mark - partsMark);
        using var digests = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rest = (ReadOnlySpan<byte>)body;
        foreach (var word in Encoding.ASCII.GetString(lengths[(PartsMark.Length - 1)..^1]).Split(','))
        {
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > rest.Length)
            {
                return null;
            }
            digests.AppendData(SHA256.HashData(rest[..length]));
            rest = rest[length..];
        }
        digests.AppendData(lengths);
        return rest.IsEmpty && file.AsSpan(mark + 1).SequenceEqual(ChecksumLine(digests.GetHashAndReset()))
            ? Encoding.UTF8.GetString(body)
            : null;
    }

    private static byte[] ChecksumLine(byte[] digest) => Encoding.ASCII.GetBytes("#checksum=" + Convert.ToHexStringLower(digest) + "\n");

    private void Add(ConfigTree tree, TableSchema table)
    {
        if (!table.IsList)
        {
            var value = tree.Object(table.Path);
            if (!value.IsDefault)
            {
                value.Saved = Kept(value.Saved) ?? Text(text => text.Object(table.Path, value, 0));
                _open.Write(value.Saved.Bytes);
            }
            return;
        }
        var list = tree.List(table.Path);
        if (list.Count == 0 && !FactoryObjects.Has(table.Path))
        {
            return;
        }
        _open.Write(Encoding.UTF8.GetBytes($"config {table.Path}\n"));
        foreach (var block in list.Blocks)
        {
            block.Saved = Kept(block.Saved) ?? Text(text => Entries(text, block));
            if (block.Saved.Bytes.Length < PartSize)
            {
                _open.Write(block.Saved.Bytes);
                continue;
            }
            Close();
            Add(block.Saved.Bytes, block.Saved.Digest);
        }
        _open.Write("end\n"u8);
    }

    private static void Entries(ConfigText text, ConfigTable.Block block)
    {
        foreach (var (key, entry) in block.Places)
        {
            if (key is not null)
            {
                text.Entry(key, entry, 1);
            }
        }
    }

    private SavedText? Kept(SavedText? saved) => saved?.Key == _key ? saved : null;

    private SavedText Text(Action<ConfigText> write)
    {
        write(_text);
        return new(_key, _text.Take());
    }

    /// <summary>Combines the pending small pieces into a part.</summary>
    private void Close()
    {
        if (_open.Length > 0)
        {
            var bytes = _open.ToArray();
            _open.SetLength(0);
            Add(bytes, SHA256.HashData(bytes));
        }
    }

    private void Add(byte[] bytes, byte[] digest)
    {
        _parts.Add(bytes);
        _digests.AppendData(digest);
        _lengths.Append(CultureInfo.InvariantCulture, $"{(_parts.Count > 1 ? "," : "")}{bytes.Length}");
    }

    private List<ReadOnlyMemory<byte>> Finish()
    {
        Close();
        var lengths = Encoding.ASCII.GetBytes(_lengths.Append('\n').ToString());
        _digests.AppendData(lengths);
        _parts.Add(lengths);
        _parts.Add(ChecksumLine(_digests.GetHashAndReset()));
        return _parts;
    }
}
