using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>Identifies a request for duplicate detection (RFC 5080, 2.2.2); its authenticator is compared on top.</summary>
/// <param name="Source">The client's address and port; over TLS port 0, because a client repeats a request on a new connection.</param>
/// <param name="Way">The port or connection that it arrived on.</param>
/// <param name="Identifier">The packet's identifier.</param>
/// <param name="Connection">Over TLS a part of the request's digest, because each connection has 256 identifiers; otherwise 0.</param>
internal readonly record struct FacKey(IPEndPoint Source, FacWay Way, byte Identifier, UInt128 Connection);

/// <content>
/// The stored requests that survive a restart, each row until it expires. Of a pending request: header and Proxy-States, from which its
/// answer is built. Of an answered one: a keyed digest, to recognize a repetition, and the reply. Never an attribute that holds a password,
/// a code or a proof.
/// </content>
public sealed partial class FacRadius
{
    private const string AnswerPrefix = "answer/";
    private const string WaitPrefix = "wait/";
    private const int DigestLength = HMACSHA256.HashSizeInBytes;

    private readonly PriorityQueue<string, DateTimeOffset> _rows = new();

    /// <summary>The time at which <see cref="Expire"/> has the next row to delete; null if there is none.</summary>
    public DateTimeOffset? NextExpiry => _rows.TryPeek(out _, out var at) ? at : null;

    /// <summary>Deletes the rows of answers that have expired.</summary>
    public void Expire(FacStep step, DateTimeOffset now)
    {
        while (_rows.TryPeek(out var key, out var at) && at <= now)
        {
            _rows.Dequeue();
            step.Remember(new FacRecord(key, null, now));
        }
    }

    /// <summary>
    /// Restores the pending and answered requests of an earlier run. The next <see cref="Expire"/> deletes rows that have expired or cannot
    /// be read.
    /// </summary>
    public void Restore(IEnumerable<FacRecord> records, DateTimeOffset now)
    {
        // In order of arrival, not of their answers, because an identifier may have been reused.
        foreach (
            var (record, row) in records
                .Where(record =>
                    record.Key.StartsWith(WaitPrefix, StringComparison.Ordinal)
                    || record.Key.StartsWith(AnswerPrefix, StringComparison.Ordinal)
                )
                .Select(record => (record, ReadRow(record)))
                .OrderBy(pair => pair.Item2?.Arrived)
        )
        {
            var isAnswer = record.Key.StartsWith(AnswerPrefix, StringComparison.Ordinal);
            var isGood = record.Expires > now && row is not null && (isAnswer ? RestoreAnswer(record, row) : RestoreWait(record, row));
            if (isAnswer || !isGood)
            {
                _rows.Enqueue(record.Key, isGood ? record.Expires : DateTimeOffset.MinValue);
            }
        }
    }

    private static FacKey KeyOf(RadiusPacket packet, IPEndPoint source, FacWay way, FacClient client)
    {
        if (way != FacWay.RadSec)
        {
            return new(source, way, packet.Identifier, 0);
        }
        Span<byte> digest = stackalloc byte[DigestLength];
        Digest(packet, source, way, client, digest);
        return KeyOf(packet.Identifier, source, way, digest);
    }

    private static FacKey KeyOf(byte identifier, IPEndPoint source, FacWay way, ReadOnlySpan<byte> digest) =>
        way == FacWay.RadSec
            ? new(new IPEndPoint(source.Address, 0), way, identifier, BinaryPrimitives.ReadUInt128BigEndian(digest))
            : new(source, way, identifier, 0);

    /// <summary>Finds the request that a packet repeats; null if it is a new one.</summary>
    private FacEntry? Find(FacKey key, RadiusPacket packet, IPEndPoint source)
    {
        foreach (var entries in (ReadOnlySpan<Dictionary<FacKey, FacEntry>>)[_entries, _olderEntries])
        {
            for (var known = entries.GetValueOrDefault(key); known is not null; known = known.Former)
            {
                if (IsRepetition(known, packet, source))
                {
                    return known;
                }
            }
        }
        return null;
    }

    /// <summary>Stores a request, and the last one before it with the same source and identifier.</summary>
    private void Put(FacKey key, FacEntry entry)
    {
        if (_entries.TryGetValue(key, out var former) && former != entry)
        {
            (former.Former, entry.Former) = (null, former);
        }
        _entries[key] = entry;
    }

    private static bool IsRepetition(FacEntry known, RadiusPacket packet, IPEndPoint source)
    {
        if (known.Authenticator.Length > 0 || known.Digest is not { } expected)
        {
            return known.Authenticator.AsSpan().SequenceEqual(packet.Authenticator);
        }
        Span<byte> digest = stackalloc byte[DigestLength];
        Digest(packet, source, known.Way, known.Client, digest);
        if (!CryptographicOperations.FixedTimeEquals(digest, expected))
        {
            return false;
        }
        known.Authenticator = packet.Authenticator.ToArray();
        return true;
    }

    /// <summary>
    /// Computes the identity of a request: way, source, identifier and authenticator, keyed with the client's secret. No attribute takes
    /// part.
    /// </summary>
    private static void Digest(RadiusPacket packet, IPEndPoint source, FacWay way, FacClient client, Span<byte> destination)
    {
        Span<byte> value = stackalloc byte[1 + 16 + 2 + 1 + RadiusPacket.AuthenticatorLength];
        value.Clear();
        value[0] = (byte)way;
        source.Address.TryWriteBytes(value[1..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(value[17..], way == FacWay.RadSec ? (ushort)0 : (ushort)source.Port);
        value[19] = packet.Identifier;
        packet.Authenticator.CopyTo(value[20..]);
        client.Secret.KeyedDigest(value, destination);
    }

    /// <summary>Returns a request with its Proxy-States as the only attributes, which its answer needs.</summary>
    private byte[] SkeletonOf(RadiusPacket packet)
    {
        var writer = new RadiusWriter(_buffer, packet.Code, packet.Identifier, packet.Authenticator, sign: false);
        writer.AddProxyStates(packet);
        return _buffer[..writer.EndRequest(RadSecSecret)]; // No signature is needed, so the secret does not matter.
    }

    private FacRecord WaitRecord(FacEntry entry, IPEndPoint source, DateTimeOffset now) =>
        new(WaitPrefix + entry.State, Row(entry, source, entry.Request!), now + settings.TokenTimeout + _answerLife);

    private FacRecord AnswerRecord(FacEntry entry, RadiusPacket request, IPEndPoint source, DateTimeOffset now)
    {
        Span<byte> digest = stackalloc byte[DigestLength];
        Digest(request, source, entry.Way, entry.Client, digest);
        var record = new FacRecord(AnswerPrefix + Convert.ToHexStringLower(digest), Row(entry, source, entry.Reply!), now + _answerLife);
        _rows.Enqueue(record.Key, record.Expires);
        return record;
    }

    private bool RestoreWait(FacRecord record, StoredRequest row)
    {
        var state = record.Key[WaitPrefix.Length..];
        if (!core.IsPending(state) || RadiusPacket.Parse(row.Packet, out var packet) != RadiusDefect.None)
        {
            return false;
        }
        var entry = new FacEntry(row.Client, packet.Authenticator.ToArray(), row.Way) { Arrived = row.Arrived };
        Wait(state, row.Source, entry, row.Packet);
        Put(KeyOf(packet, row.Source, row.Way, row.Client), entry);
        return true;
    }

    private bool RestoreAnswer(FacRecord record, StoredRequest row)
    {
        var text = record.Key.AsSpan(AnswerPrefix.Length);
        var digest = new byte[DigestLength];
        if (
            text.Length != 2 * DigestLength
            || Convert.FromHexString(text, digest, out _, out _) != System.Buffers.OperationStatus.Done
            || RadiusPacket.Parse(row.Packet, out var packet) != RadiusDefect.None
        )
        {
            return false;
        }
        Put(
            KeyOf(packet.Identifier, row.Source, row.Way, digest),
            new FacEntry(row.Client, [], row.Way)
            {
                Arrived = row.Arrived,
                Digest = digest,
                Reply = row.Packet,
                Sent = true,
            }
        );
        return true;
    }

    private static string Row(FacEntry entry, IPEndPoint source, byte[] packet) =>
        string.Create(CultureInfo.InvariantCulture, $"{entry.Arrived.UtcTicks} {entry.Way} {source} {Convert.ToBase64String(packet)}");

    /// <summary>Reads a row; null for a row of another form, or of a client that is no longer served.</summary>
    private StoredRequest? ReadRow(FacRecord record)
    {
        var parts = record.Value!.Split(' ');
        var bytes = new byte[RadiusPacket.LengthMax];
        return
            parts.Length == 4
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            && ticks <= DateTimeOffset.MaxValue.UtcTicks
            && Enum.TryParse<FacWay>(parts[1], out var way)
            && Enum.IsDefined(way)
            && IPEndPoint.TryParse(parts[2], out var source)
            && Convert.TryFromBase64String(parts[3], bytes, out var length)
            && ClientOf(source.Address, way) is { } client
            ? new(new DateTimeOffset(ticks, TimeSpan.Zero), way, source, client, bytes[..length])
            : null;
    }

    private sealed record StoredRequest(DateTimeOffset Arrived, FacWay Way, IPEndPoint Source, FacClient Client, byte[] Packet);
}
