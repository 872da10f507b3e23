using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Appliance.Hal;

/// <summary>Reads a board's file: merges it with the boards that it extends, then parses the result strictly.</summary>
internal static partial class BoardText
{
    private const int LineMax = 1023;
    private const int NestingMax = 8;
    private static readonly string[] Panel = ["status", "ha", "alarm"];

    /// <summary>
    /// Returns the fields of a file merged over those of the board that it extends. Objects are merged, null removes a field (RFC 7386),
    /// and lists of named objects are merged by name.
    /// </summary>
    internal static JsonObject Whole(string file, int depth = 0)
    {
        var label = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) + "/" + Path.GetFileName(file);
        var own = Parse(File.ReadAllBytes(file), label);
        if (own["extends"] is not { } extends)
        {
            return own;
        }
        if (extends is not JsonValue value || !value.TryGetValue<string>(out var name) || !BoardName().IsMatch(name))
        {
            throw new FormatException($"{label}: extends: must be the name of a board, not {extends.ToJsonString()}");
        }
        if (depth == NestingMax)
        {
            throw new FormatException($"{label}: extends: boards extend each other in a cycle");
        }
        var boards = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(file)))!;
        var from = Path.Combine(boards, name, "board.json");
        if (!File.Exists(from))
        {
            var known = Directory
                .EnumerateDirectories(boards)
                .Select(folder => Path.GetFileName(folder)!)
                .Where(folder => File.Exists(Path.Combine(boards, folder, "board.json")))
                .ToArray();
            throw new FormatException(
                $"{label}: extends: board '{name}' does not exist beside it{(Spelling.Nearest(name, known) is { } near ? $"; did you mean '{near}'?" : "")}"
            );
        }
        var whole = Whole(from, depth + 1);
        Read(whole, $"{name}/board.json"); // An extended board must be valid itself: its mistakes are reported under its name.
        Merge(whole, own);
        return whole;
    }

    /// <summary>Parses a file's text.</summary>
    /// <exception cref="FormatException">The text is not a JSON object.</exception>
    internal static JsonObject Parse(ReadOnlyMemory<byte> json, string label)
    {
        try
        {
            return OutsideJson.Parse(json, NestingMax) is { ValueKind: JsonValueKind.Object } root
                ? JsonObject.Create(root)!
                : throw new FormatException($"{label}: must be a JSON object");
        }
        catch (JsonException error)
        {
            throw new FormatException($"{label}: {error.Message}", error);
        }
    }

    /// <summary>Parses the fields of a complete board.</summary>
    /// <exception cref="FormatException">A field is invalid; the message has its path.</exception>
    internal static Board Read(JsonObject fields, string label)
    {
        var root = new BoardNode(
            fields,
            label,
            "",
            "$schema",
            "name",
            "model",
            "extends",
            "nics",
            "gpio",
            "leds",
            "buttons",
            "temperature",
            "fan",
            "display",
            "console",
            "watchdog",
            "pushProxy"
        );
        var name = root.Text("name");
        var nics = NicsOf(root);
        var chip = root.Child("gpio", "chip")?.Text("chip");
        var lines = new Dictionary<int, string>();
        int Line(BoardNode node, string what)
        {
            var line = node.Whole("line", 0, LineMax);
            return chip is null ? throw root.Missing("gpio")
                : lines.TryAdd(line, what) ? line
                : throw node.Wrong("line", $"line {line} is already used by {lines[line]}");
        }
        var leds = root.List("leds", "name", "line", "activeLow")
            .Select(led => new BoardLed(led.Text("name"), Line(led, $"led {led.Text("name")}"), led.Flag("activeLow")))
            .ToArray();
        Need(root, "leds", leds.Select(led => led.Name), [.. Panel, .. nics.Select(nic => nic.Name)]);
        var buttons = root.List("buttons", "name", "line", "activeLow", "pull")
            .Select(button => new BoardButton(
                button.Text("name"),
                Line(button, $"button {button.Text("name")}"),
                button.Flag("activeLow", otherwise: true),
                button.Word("pull", "up", "down", "none")
            ))
            .ToArray();
        Need(root, "buttons", buttons.Select(button => button.Name), ["reset"]);
        var temperature = root.Child("temperature", "file")?.Text("file");
        var fan = root.Child("fan", "line", "onCelsius", "offCelsius") is { } fanNode ? FanOf(fanNode, Line(fanNode, "the fan")) : null;
        return new Board(name, nics)
        {
            Model = root.OptionalText("model") ?? name,
            GpioChip = chip,
            Leds = leds,
            Buttons = buttons,
            TemperatureFile = temperature ?? (fan is null ? null : throw root.Missing("temperature")),
            Fan = fan,
            Display = root.Child("display", "bus", "address", "columns", "rows") is { } display ? DisplayOf(display) : null,
            Console = root.Child("console", "device", "baud") is { } console
                ? new BoardConsole(console.Text("device"), console.OptionalWhole("baud", 1200, 4_000_000) ?? 115_200)
                : null,
            Watchdog = root.Child("watchdog", "device", "seconds") is { } watchdog
                ? new BoardWatchdog(watchdog.Text("device"), TimeSpan.FromSeconds(watchdog.Whole("seconds", 4, 600)))
                : null,
            PushProxy = root.Child("pushProxy", "addresses", "ca", "name") is { } proxy ? ProxyOf(proxy) : null,
        };
    }

    private static BoardDisplay DisplayOf(BoardNode node) =>
        new(node.Whole("bus", 0, 255), node.Whole("address", 3, 0x77), node.Whole("columns", 8, 40), node.Whole("rows", 1, 4));

    private static BoardNic[] NicsOf(BoardNode root)
    {
        var nics = root.List("nics", "name", "role", "address", "match")
            .Select(nic =>
            {
                var name = nic.Text("name");
                if (!NicName().IsMatch(name))
                {
                    throw nic.Wrong("name", $"'{name}' is not an interface name (a letter, then letters, digits, - or _; at most 15)");
                }
                var match = MatchOf(nic);
                var (address, prefix) = AddressOf(nic, match is not null);
                return new BoardNic(name, address, prefix, nic.Word("role", "undefined", "wan", "lan", "dmz"), match);
            })
            .ToArray();
        if (nics.Length == 0)
        {
            throw root.Missing("nics");
        }
        return nics.GroupBy(nic => nic.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice
            ? throw root.Wrong("nics", $"{twice.Key} is repeated")
            : nics;
    }

    private static DeviceMatch? MatchOf(BoardNode nic)
    {
        if (nic.Child("match", "device", "mac", "driver", "path") is not { } match)
        {
            return null;
        }
        var mac = match.OptionalText("mac");
        var plain = mac is null ? null : Convert.ToHexString(HardwareAddress(match, mac));
        var found = new DeviceMatch(match.OptionalText("device"), plain, match.OptionalText("driver"), match.OptionalText("path"));
        return found != new DeviceMatch(null, null, null, null)
            ? found
            : throw nic.Wrong("match", "must have device, mac, driver or path");
    }

    private static byte[] HardwareAddress(BoardNode match, string text)
    {
        var digits = text.Replace(":", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        return digits.Length == 12 && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw match.Wrong("mac", $"'{text}' is not a hardware address");
    }

    /// <summary>
    /// Parses <c>ADDRESS</c> or <c>ADDRESS/BITS</c>, IPv4. It is optional for an interface with a device, and required for one without.
    /// </summary>
    private static (IPAddress Address, int PrefixLength) AddressOf(BoardNode nic, bool hasDevice)
    {
        var text = nic.OptionalText("address");
        if (text is null)
        {
            return hasDevice ? (IPAddress.Any, 0) : throw nic.Missing("address");
        }
        var (host, bits) = text.IndexOf('/') is >= 0 and var slash ? (text[..slash], text[(slash + 1)..]) : (text, "32");
        return
            IPAddress.TryParse(host, out var address)
            && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && host.Count(letter => letter == '.') == 3
            && int.TryParse(bits, System.Globalization.NumberStyles.None, null, out var prefix)
            && prefix is >= 1 and <= 32
            ? (address, prefix)
            : throw nic.Wrong("address", $"'{text}' is not an IPv4 address (expected ADDRESS or ADDRESS/BITS)");
    }

    private static BoardFan FanOf(BoardNode fan, int line)
    {
        var (on, off) = (fan.Whole("onCelsius", 1, 120), fan.Whole("offCelsius", 0, 119));
        return off < on ? new BoardFan(line, on, off) : throw fan.Wrong("offCelsius", $"must be below onCelsius ({on})");
    }

    private static BoardPushProxy ProxyOf(BoardNode proxy)
    {
        var texts = proxy.Texts("addresses");
        var addresses = texts
            .Select(
                (text, at) =>
                    IPEndPoint.TryParse(text, out var address) && address.Port > 0
                        ? address
                        : throw proxy.Wrong($"addresses[{at}]", $"'{text}' is not an address with a port")
            )
            .ToArray();
        return addresses.Length > 0
            ? new BoardPushProxy(addresses, proxy.Text("ca"), proxy.OptionalText("name"))
            : throw proxy.Wrong("addresses", "at least one is required");
    }

    /// <summary>Checks that a list is empty or has exactly the names that the firmware requires.</summary>
    private static void Need(BoardNode root, string list, IEnumerable<string> names, string[] needed)
    {
        var there = names.ToArray();
        for (var at = 0; at < there.Length; at++)
        {
            if (!needed.Contains(there[at]))
            {
                throw root.Wrong(
                    $"{list}[{at}].name",
                    $"unknown name '{there[at]}'{(Spelling.Nearest(there[at], needed) is { } near ? $"; did you mean '{near}'?" : "")} (known: {string.Join(", ", needed)})"
                );
            }
            if (Array.IndexOf(there, there[at]) != at)
            {
                throw root.Wrong($"{list}[{at}].name", $"{there[at]} is repeated");
            }
        }
        if (there.Length > 0 && needed.Except(there).ToArray() is [var missing, ..])
        {
            throw root.Wrong(list, $"'{missing}' is missing");
        }
    }

    private static void Merge(JsonObject into, JsonObject from)
    {
        foreach (var (key, value) in from.ToArray())
        {
            from.Remove(key);
            switch (value)
            {
                case null:
                    into.Remove(key);
                    break;
                case JsonObject child when into[key] is JsonObject old:
                    Merge(old, child);
                    break;
                case JsonArray list when into[key] is JsonArray old:
                    MergeNamed(old, list);
                    break;
                default:
                    into[key] = value;
                    break;
            }
        }
    }

    private static void MergeNamed(JsonArray into, JsonArray from)
    {
        static string? NameOf(JsonNode? node) =>
            node is JsonObject item && item["name"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;
        if (into.Concat(from).Any(item => NameOf(item) is null))
        {
            into.Clear(); // A list of other things is replaced; its mistakes are reported when it is read.
        }
        foreach (var item in from.ToArray())
        {
            from.Remove(item);
            if (NameOf(item) is { } name && into.FirstOrDefault(old => NameOf(old) == name) is JsonObject known)
            {
                Merge(known, (JsonObject)item!);
            }
            else
            {
                into.Add(item);
            }
        }
    }

    [GeneratedRegex("^[a-zA-Z][a-zA-Z0-9_-]{0,14}$")]
    private static partial Regex NicName();

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")]
    private static partial Regex BoardName();
}
