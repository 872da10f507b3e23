namespace Appliance.Tests.Fuzz;

/// <summary>
/// Inputs derived from others by a seed, for the short run of every test run. It ignores coverage; AFL++ uses it (<c>tests/Fuzz/run</c>).
/// </summary>
internal sealed class Mutator(IReadOnlyList<byte[]> seeds, int seed, int lengthMax)
{
    private const int EditsMax = 6;

    /// <summary>Fragments on which readers of text often fail.</summary>
    private static readonly byte[][] Tokens =
    [
        .. new[]
        {
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "null",
            "true",
            "-1",
            "0",
            "1e999",
            "-0.0",
            "9223372036854775808",
            "1e-400",
            "\\ud800",
            "\\udc00\\ud800",
            "\\u0000",
            "%",
            "%00",
            "%ff",
            "&",
            "=",
            "+",
            "\n",
            "\r\n",
            "\t",
            "\0",
            "end\n",
            "next\n",
            "edit 1\n",
            "config ",
            "set ",
            "?",
            "#",
            "<",
            ">",
            "]]>",
            "<!DOCTYPE x>",
            "\u001b[",
            "\u0003",
            "\u00e4",
            "\u202e",
            "\ufeff",
            "\ud83d\ude00",
        }.Select(System.Text.Encoding.UTF8.GetBytes),
        [0xff],
        [0xc0, 0x80],
        [0xed, 0xa0, 0x80],
        [0, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff],
        [80, 18],
        [26, 6],
    ];

    private readonly Random _random = new(seed);

    /// <summary>The next input.</summary>
    public byte[] Next()
    {
        var input = new List<byte>(seeds.Count > 0 ? seeds[_random.Next(seeds.Count)] : []);
        for (var edits = _random.Next(1, EditsMax + 1); edits > 0; edits--)
        {
            Edit(input);
        }
        return [.. input.Take(lengthMax)];
    }

    private void Edit(List<byte> input)
    {
        var at = _random.Next(input.Count + 1);
        var length = Math.Min(input.Count - at, 1 + _random.Next(_random.Next(1, 64)));
        switch (_random.Next(7))
        {
            case 0 when length > 0:
                input[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when length > 0:
                input[at] = (byte)_random.Next(256);
                break;
            case 2:
                input.RemoveRange(at, length);
                break;
            case 3:
                input.InsertRange(_random.Next(input.Count + 1), input.GetRange(at, length));
                break;
            case 4 when seeds.Count > 0:
                var other = seeds[_random.Next(seeds.Count)];
                var from = _random.Next(other.Length + 1);
                input.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, 1 + _random.Next(128))).ToArray());
                break;
            case 5:
                input.InsertRange(at, Enumerable.Repeat(length > 0 ? input[at] : (byte)'[', 1 + _random.Next(_random.Next(1, 3000))));
                break;
            default:
                input.InsertRange(at, Tokens[_random.Next(Tokens.Length)]);
                break;
        }
    }
}
