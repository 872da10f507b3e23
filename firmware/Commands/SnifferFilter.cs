using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// The filter of <c>diagnose sniffer packet</c>: a part of pcap-filter(7). Primitives: <c>[src|dst] host A</c>, <c>[src|dst] net A/N</c>,
/// <c>[src|dst] port N</c>, <c>[src|dst] portrange N-M</c>, <c>tcp</c>, <c>udp</c>, <c>icmp</c>, <c>arp</c>, <c>ip</c>, <c>ip6</c>,
/// <c>proto N</c>, and an address alone. They are joined by <c>and</c>, <c>or</c>, <c>not</c> and parentheses.
/// </summary>
internal sealed class SnifferFilter
{
    private const int LengthMax = 1024;
    private const int DepthMax = 32;
    private const int Tcp = 6;
    private const int Udp = 17;
    private static readonly string[] Operators = ["and", "or", "not", "&&", "||", "!", "(", ")"];
    private readonly IReadOnlyList<string> _words;
    private int _at;
    private int _depth;

    private SnifferFilter(IReadOnlyList<string> words) => _words = words;

    /// <summary>
    /// Parses a filter; "" and <c>none</c> pass everything. Returns null on an error; <paramref name="wrong"/> is then the word that does
    /// not fit.
    /// </summary>
    internal static Func<SeenPacket, bool>? Read(string text, out string wrong)
    {
        wrong = "";
        if (text.Length > LengthMax)
        {
            wrong = text;
            return null;
        }
        var words = Words(text);
        if (words is [] or ["none"])
        {
            return _ => true;
        }
        var filter = new SnifferFilter(words);
        var passes = filter.Any();
        if (passes is not null && filter._at == words.Count)
        {
            return passes;
        }
        wrong = filter._at < words.Count ? words[filter._at] : words[^1];
        return null;
    }

    private static List<string> Words(string text)
    {
        foreach (var mark in (string[])["(", ")", "&&", "||", "!"])
        {
            text = text.Replace(mark, $" {mark} ", StringComparison.Ordinal);
        }
        return [.. text.Split((char[])[' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)];
    }

    private bool Takes(params ReadOnlySpan<string> choices)
    {
        if (_at < _words.Count && choices.Contains(_words[_at]))
        {
            _at++;
            return true;
        }
        return false;
    }

    /// <summary>
    /// Parses alternatives. As in pcap-filter(7), <c>and</c> and <c>or</c> have equal precedence and associate to the left.
    /// </summary>
    private Func<SeenPacket, bool>? Any()
    {
        var left = One();
        while (left is not null)
        {
            var either = Takes("or", "||");
            if (!either && !Takes("and", "&&"))
            {
                return left;
            }
            if (One() is not { } right)
            {
                return null;
            }
            var before = left;
            left = either ? packet => before(packet) || right(packet) : packet => before(packet) && right(packet);
        }
        return null;
    }

    private Func<SeenPacket, bool>? One()
    {
        if (++_depth > DepthMax)
        {
            return null;
        }
        Func<SeenPacket, bool>? passes;
        if (Takes("not", "!"))
        {
            passes = One() is { } inner ? packet => !inner(packet) : null;
        }
        else if (Takes("("))
        {
            passes = Any();
            passes = Takes(")") ? passes : null;
        }
        else
        {
            passes = Primitive();
        }
        _depth--;
        return passes;
    }

    private Func<SeenPacket, bool>? Primitive()
    {
        if (_at == _words.Count)
        {
            return null;
        }
        switch (_words[_at])
        {
            case "tcp" or "udp" or "icmp" or "arp" or "ip" or "ip6":
                return Qualified(Protocol(_words[_at++]));
            case "proto":
                _at++;
                return Number(255) is { } number ? packet => ProtocolOf(packet) == number : null;
        }
        var (source, target) = (true, true);
        if (_words[_at] is "src" or "dst")
        {
            (source, target) = (_words[_at] == "src", _words[_at] == "dst");
            _at++;
        }
        return Ends(source, target);
    }

    /// <summary>Parses a protocol and the qualifier that may follow it directly (<c>tcp port 443</c>).</summary>
    private Func<SeenPacket, bool>? Qualified(Func<SeenPacket, bool> protocol)
    {
        if (_at == _words.Count || Operators.Contains(_words[_at]))
        {
            return protocol;
        }
        return Primitive() is { } more ? packet => protocol(packet) && more(packet) : null;
    }

    private Func<SeenPacket, bool>? Ends(bool source, bool target)
    {
        Func<IPEndPoint, bool>? suits = null;
        if (Takes("port"))
        {
            suits = Number(ushort.MaxValue) is { } port ? end => end.Port == port : null;
        }
        else if (Takes("portrange"))
        {
            suits = Range();
        }
        else if (Takes("net"))
        {
            suits = Network();
        }
        else
        {
            _ = Takes("host");
            if (_at < _words.Count && IPAddress.TryParse(_words[_at], out var address))
            {
                _at++;
                suits = end => end.Address.Equals(address);
            }
        }
        return suits is null ? null : packet => (source && suits(packet.Source)) || (target && suits(packet.Target));
    }

    private Func<IPEndPoint, bool>? Range()
    {
        if (
            _at < _words.Count
            && _words[_at].Split('-') is [var low, var high]
            && ushort.TryParse(low, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && ushort.TryParse(high, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
        )
        {
            _at++;
            return end => end.Port >= first && end.Port <= last;
        }
        return null;
    }

    private Func<IPEndPoint, bool>? Network()
    {
        if (_at < _words.Count && IPNetwork.TryParse(_words[_at], out var network))
        {
            _at++;
            return end => network.Contains(end.Address);
        }
        return null;
    }

    private int? Number(int max)
    {
        if (
            _at < _words.Count
            && int.TryParse(_words[_at], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= max
        )
        {
            _at++;
            return number;
        }
        return null;
    }

    private static int ProtocolOf(SeenPacket packet) => packet.Kind == SegmentKind.Datagram ? Udp : Tcp;

    /// <summary>Returns the filter of a protocol. ICMP and ARP never pass the unit's own sockets.</summary>
    private static Func<SeenPacket, bool> Protocol(string word) =>
        word switch
        {
            "tcp" => packet => ProtocolOf(packet) == Tcp,
            "udp" => packet => ProtocolOf(packet) == Udp,
            "ip" => packet => packet.Source.AddressFamily == AddressFamily.InterNetwork,
            "ip6" => packet => packet.Source.AddressFamily == AddressFamily.InterNetworkV6,
            _ => _ => false,
        };
}
