using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>Answers DNS queries (RFC 1035) from a table of names: A and AAAA records, otherwise NXDOMAIN or no data.</summary>
internal static class DnsAnswer
{
    private const int HeadSize = 12;
    private const int NameMax = 255;
    private const ushort TypeA = 1;
    private const ushort TypeAaaa = 28;
    private const ushort ClassIn = 1;
    private const uint TimeToLive = 60;
    private const byte ServerFailureFormat = 1;
    private const byte NameError = 3;
    private const byte NotImplemented = 4;

    /// <summary>Builds the answer; null for a datagram that is no query.</summary>
    /// <param name="query">The query.</param>
    /// <param name="find">Returns the addresses of a name in lower case; null for an unknown name.</param>
    internal static byte[]? To(ReadOnlySpan<byte> query, Func<string, IReadOnlyList<IPAddress>?> find)
    {
        if (query.Length < HeadSize || (query[2] & 0x80) != 0)
        {
            return null;
        }
        if ((query[2] & 0x78) != 0)
        {
            return Refuse(query, NotImplemented);
        }
        if (
            BinaryPrimitives.ReadUInt16BigEndian(query[4..]) != 1
            || !TryReadName(query, out var name, out var end)
            || end + 4 > query.Length
        )
        {
            return Refuse(query, ServerFailureFormat);
        }
        var (type, kind) = (BinaryPrimitives.ReadUInt16BigEndian(query[end..]), BinaryPrimitives.ReadUInt16BigEndian(query[(end + 2)..]));
        var question = query[HeadSize..(end + 4)];
        if (kind != ClassIn || find(name) is not { } addresses)
        {
            return Head(query, question, NameError, []);
        }
        var family = type switch
        {
            TypeA => AddressFamily.InterNetwork,
            TypeAaaa => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unspecified,
        };
        return Head(query, question, 0, [.. addresses.Where(address => address.AddressFamily == family)]);
    }

    private static byte[] Refuse(ReadOnlySpan<byte> query, byte code)
    {
        var answer = new byte[HeadSize];
        query[..2].CopyTo(answer);
        (answer[2], answer[3]) = ((byte)(0x80 | (query[2] & 0x79)), code);
        return answer;
    }

    private static byte[] Head(ReadOnlySpan<byte> query, ReadOnlySpan<byte> question, byte code, IReadOnlyList<IPAddress> addresses)
    {
        var answer = new List<byte>(512);
        answer.AddRange(query[..2]);
        // Response, authoritative, the query's "recursion desired"; recursion available.
        answer.AddRange([(byte)(0x84 | (query[2] & 1)), (byte)(0x80 | code), 0, 1, 0, (byte)addresses.Count, 0, 0, 0, 0]);
        answer.AddRange(question);
        foreach (var address in addresses)
        {
            var bytes = address.GetAddressBytes();
            var record = new byte[12];
            BinaryPrimitives.WriteUInt16BigEndian(record, 0xc000 | HeadSize);
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(2), bytes.Length == 4 ? TypeA : TypeAaaa);
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(4), ClassIn);
            BinaryPrimitives.WriteUInt32BigEndian(record.AsSpan(6), TimeToLive);
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(10), (ushort)bytes.Length);
            answer.AddRange(record);
            answer.AddRange(bytes);
        }
        return [.. answer];
    }

    private static bool TryReadName(ReadOnlySpan<byte> query, out string name, out int end)
    {
        var text = new StringBuilder();
        (name, end) = ("", HeadSize);
        while (end < query.Length)
        {
            int length = query[end++];
            if (length == 0)
            {
                name = text.ToString().ToLowerInvariant();
                return true;
            }
            // A query has no compressed name.
            if (length > 63 || end + length > query.Length || text.Length + length > NameMax)
            {
                return false;
            }
            text.Append(text.Length > 0 ? "." : "").Append(Encoding.Latin1.GetString(query.Slice(end, length)));
            end += length;
        }
        return false;
    }
}
