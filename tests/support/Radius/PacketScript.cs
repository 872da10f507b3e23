using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware.Radius;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>
/// Runs a golden file: <c>encode</c> a packet or <c>decode</c> bytes, then state what it must <c>match</c>, the <c>password</c> that it
/// hides,
/// that it is <c>signed</c>, or its <c>defect</c>. The last line is <c>count N</c>, so that a check that did not run is noticed.
/// </summary>
internal sealed partial class PacketScript
{
    private RadiusSecret _secret = new("");
    private byte[] _packet = [];
    private string _shown = "";

    public static void Run(string file)
    {
        var script = new PacketScript();
        var checks = 0;
        var lines = File.ReadAllLines(file);
        for (var number = 0; number < lines.Length - 1; number++)
        {
            try
            {
                checks += script.Line(lines[number]) ? 1 : 0;
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"{Path.GetFileName(file)}:{number + 1}: {error.Message}", error);
            }
        }
        Assert.Equal($"count {checks}", lines[^1]);
    }

    /// <summary>A packet from its text; the authenticator is that of the request.</summary>
    public static byte[] Encode(string text, RadiusSecret secret)
    {
        var words = Word().Matches(text).Select(match => match.Value).ToArray();
        var code = Enum.GetValues<RadiusCode>().Single(code => RadiusText.Name(code) == words[0]);
        var authenticator = Convert.FromHexString(words[2]);
        var sign = words.Length > 3 && words[3] == "Message-Authenticator";
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, code, byte.Parse(words[1], CultureInfo.InvariantCulture), authenticator, sign);
        foreach (var word in words[(sign ? 4 : 3)..])
        {
            var (name, value) = (
                word[..word.IndexOf('=', StringComparison.Ordinal)],
                word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..]
            );
            var definition = RadiusDictionary.Find(name) ?? throw new FormatException($"no attribute {name}");
            var bytes = Bytes(definition, value);
            if (definition is { Vendor: 0, Number: 2 })
            {
                var hidden = new byte[RadiusSecret.PasswordMax];
                bytes = hidden[..secret.HidePassword(bytes, authenticator, hidden)];
            }
            if (definition.Vendor == 0)
            {
                writer.Add((RadiusAttribute)definition.Number, bytes);
            }
            else
            {
                writer.AddVendor(definition.Vendor, definition.Number, bytes);
            }
        }
        return buffer[
            ..(code is RadiusCode.AccessRequest or RadiusCode.StatusServer ? writer.EndRequest(secret) : writer.EndAnswer(secret))
        ];
    }

    private bool Line(string line)
    {
        var (verb, rest) = line.Split(' ', 2) is [var first, var second] ? (first, second) : (line, "");
        switch (verb)
        {
            case "" or "#":
                return false;
            case "secret":
                _secret = new RadiusSecret(rest);
                return false;
            case "encode":
                _packet = Encode(rest, _secret);
                _shown = string.Join(' ', _packet.Select(octet => octet.ToString("x2", CultureInfo.InvariantCulture)));
                return false;
            case "decode":
                _packet = Convert.FromHexString(rest.Replace(" ", "", StringComparison.Ordinal));
                _shown = RadiusPacket.Parse(_packet, out var packet) == RadiusDefect.None ? RadiusText.Format(packet) : "";
                return false;
            case "match":
                Assert.Equal(rest, _shown);
                return true;
            case "decode-last":
                Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(_packet, out packet));
                Assert.Matches("^" + Regex.Escape(rest).Replace("\\*", "\\S+", StringComparison.Ordinal) + "$", RadiusText.Format(packet));
                return true;
            case "defect":
                Assert.Equal(rest, RadiusPacket.Parse(_packet, out _).ToString());
                return true;
            case "signed":
                Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(_packet, out packet));
                Assert.True(_secret.IsSigned(packet, packet.Authenticator));
                return true;
            case "password":
                Assert.Equal(rest, Password());
                return true;
            case "chap":
                Assert.True(ChapIs(rest));
                return true;
            default:
                throw new FormatException($"no such line: {verb}");
        }
    }

    private string Password()
    {
        RadiusPacket.Parse(_packet, out var packet);
        Assert.True(packet.TryGet(RadiusAttribute.UserPassword, out var hidden));
        var clear = new byte[RadiusSecret.PasswordMax];
        return Encoding.UTF8.GetString(clear, 0, _secret.RevealPassword(hidden, packet.Authenticator, clear));
    }

    private bool ChapIs(string password)
    {
        RadiusPacket.Parse(_packet, out var packet);
        Assert.True(packet.TryGet(RadiusAttribute.ChapPassword, out var chap));
        Span<byte> digest = stackalloc byte[16];
        RadiusSecret.ChapDigest(chap[0], Encoding.UTF8.GetBytes(password), packet.Authenticator, digest);
        return digest.SequenceEqual(chap[1..]);
    }

    private static byte[] Bytes(RadiusDefinition definition, string value) =>
        value.StartsWith("0x", StringComparison.Ordinal) ? Convert.FromHexString(value[2..])
        : value.StartsWith('"') ? Encoding.UTF8.GetBytes(value[1..^1])
        : definition.Kind == RadiusValueKind.Ipv4 ? IPAddress.Parse(value).GetAddressBytes()
        : [.. BitConverter.GetBytes(uint.Parse(value, CultureInfo.InvariantCulture)).Reverse()];

    [GeneratedRegex("""[^\s"]+("[^"]*")?""")]
    private static partial Regex Word();
}
