using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Appliance.Hal;

/// <summary>One interface of a board.</summary>
/// <param name="Name">The logical name (<c>port1</c>).</param>
/// <param name="Address">Its address.</param>
/// <param name="Device">The system's device that it is bound to (<c>eth0</c>); null binds the address alone.</param>
public sealed record BoardNic(string Name, IPAddress Address, string? Device);

/// <summary>The push proxy that a board uses.</summary>
/// <param name="Addresses">Its addresses, first one preferred; never empty.</param>
/// <param name="AuthorityFile">PEM file of the authority of its certificate; relative to the board's file.</param>
/// <param name="Name">The name in its certificate; null for the device's.</param>
public sealed record BoardPushProxy(IReadOnlyList<IPEndPoint> Addresses, string AuthorityFile, string? Name);

/// <summary>What a board is made of, read from its <c>board.json</c>.</summary>
/// <param name="Name">The board's name.</param>
/// <param name="Nics">Its interfaces, in order; never empty, no name twice.</param>
/// <param name="PushProxy">Where pushes go; null when it has no push proxy.</param>
public sealed record Board(string Name, IReadOnlyList<BoardNic> Nics, BoardPushProxy? PushProxy = null)
{
    /// <summary>Reads a description.</summary>
    /// <exception cref="FormatException">It is not one; the message says what is wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Board Load(string file) => Read(File.ReadAllBytes(file), Path.GetFileName(file));

    /// <summary>Reads the text of a description; <paramref name="file"/> names it in messages.</summary>
    /// <exception cref="FormatException">It is not one; the message says what is wrong.</exception>
    public static Board Read(ReadOnlySpan<byte> json, string file)
    {
        BoardText text;
        try
        {
            text = JsonSerializer.Deserialize(json, BoardJson.Default.BoardText) ?? throw new FormatException($"{file}: null is no board");
        }
        catch (JsonException error)
        {
            throw new FormatException($"{file}: {error.Message}", error);
        }
        // Nullable annotations do not reach into lists.
        if (text.Nics.Contains(null!) || text.PushProxy?.Addresses.Contains(null!) == true)
        {
            throw new FormatException($"{file}: null in a list");
        }
        var nics = text.Nics.Select(nic => new BoardNic(
            nic.Name.Length > 0 ? nic.Name : throw new FormatException($"{file}: a nic without a name"),
            IPAddress.TryParse(nic.Address, out var address) ? address : throw new FormatException($"{file}: nic {nic.Name}: '{nic.Address}' is no address"),
            nic.Device)).ToArray();
        if (nics.Length == 0 || nics.Select(nic => nic.Name).Distinct(StringComparer.Ordinal).Count() != nics.Length)
        {
            throw new FormatException($"{file}: nics must be there, each name once");
        }
        return new Board(text.Name, nics, text.PushProxy is { } proxy ? ProxyOf(proxy, file) : null);
    }

    private static BoardPushProxy ProxyOf(BoardPushProxyText proxy, string file)
    {
        var addresses = proxy.Addresses.Select(text => IPEndPoint.TryParse(text, out var address) && address.Port > 0
            ? address : throw new FormatException($"{file}: pushProxy: '{text}' is no address with a port")).ToArray();
        return addresses.Length > 0 ? new BoardPushProxy(addresses, proxy.Ca, proxy.Name) : throw new FormatException($"{file}: pushProxy: addresses must be there");
    }
}

internal sealed record BoardText(string Name, IReadOnlyList<BoardNicText> Nics, BoardPushProxyText? PushProxy = null);

internal sealed record BoardPushProxyText(IReadOnlyList<string> Addresses, string Ca, string? Name = null);

internal sealed record BoardNicText(string Name, string Address, string? Device = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BoardText))]
internal sealed partial class BoardJson : JsonSerializerContext;
