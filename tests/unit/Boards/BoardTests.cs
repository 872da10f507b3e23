using System.Net;
using System.Text.Json.Nodes;
using Appliance.Boot;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Lab.Composition;
using NJsonSchema;
using Xunit;

namespace Appliance.Tests.Boards;

/// <summary>Board descriptions: the accepted ones, the refused ones with their messages, and the published schema, which agrees.</summary>
public sealed class BoardTests
{
    private const string Nics = "\"nics\":[{\"name\":\"port1\",\"address\":\"10.0.0.1\"}]";
    private const string Panel = """
        "gpio":{"chip":"c"},"leds":[{"name":"status","line":1},{"name":"ha","line":2},{"name":"alarm","line":3},{"name":"port1","line":4}],"buttons":[{"name":"reset","line":5}]
        """;

    public static TheoryData<string> Shipped() =>
        [.. Directory.EnumerateDirectories(Folder()).Select(folder => new DirectoryInfo(folder).Name)];

    [Theory]
    [MemberData(nameof(Shipped))]
    public async Task AShippedBoardLoadsAndIsAsTheSchemaSays(string name)
    {
        var file = Path.Combine(Folder(), name, "board.json");
        var board = Board.Load(file);
        Assert.Equal(name, board.Name);
        Assert.NotEqual(name, board.Model);
        // The logical names that scenarios rely on, whatever the board.
        Assert.Equal(["port1", "port2"], board.Nics.Take(2).Select(nic => nic.Name));
        Assert.Equal(["status", "ha", "alarm", .. board.Nics.Select(nic => nic.Name)], board.Leds.Select(led => led.Name));
        Assert.Equal(["reset"], board.Buttons.Select(button => button.Name));
        Assert.Empty((await SchemaAsync()).Validate(await File.ReadAllTextAsync(file)));
    }

    [Theory]
    [InlineData("rpi", "did you mean 'rpi4'?")]
    [InlineData("../desktop", "no board '../desktop'")]
    public void ABoardThatIsNotThereIsNamed(string name, string named)
    {
        var failure = Assert.Throws<LabFailure>(() => LabBoard.File(name));
        Assert.Equal(FailureKind.Usage, failure.Kind);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ABoardExtendsAnother()
    {
        var (rpi4, rpi5) = (Board.Load(LabBoard.File("rpi4")), Board.Load(LabBoard.File("rpi5")));
        Assert.Equal(
            (rpi4.Nics[0] with { Match = null }, rpi4.Nics[1], rpi4.Display, rpi4.Watchdog),
            (rpi5.Nics[0] with { Match = null }, rpi5.Nics[1], rpi5.Display, rpi5.Watchdog)
        );
        Assert.Equal(
            (new DeviceMatch(null, null, null, "1f00100000.ethernet"), "pinctrl-rp1", null),
            (rpi5.Nics[0].Match, rpi5.GpioChip, rpi5.Fan)
        );
        Assert.NotNull(rpi4.Fan);
        Assert.Equal((IPAddress.Parse("192.168.1.99"), 24, "wan"), (rpi5.Nics[0].Address, rpi5.Nics[0].PrefixLength, rpi5.Nics[0].Role));
    }

    [Fact]
    public void SystemdIsToldOfTheDevicesOfABoardAndOfNoOthers()
    {
        var rpi5 = ServiceDropIn.For(Board.Load(LabBoard.File("rpi5")));
        Assert.Equal(
            ["/dev/serial0 rw", "char-gpiochip rw", "/dev/i2c-1 rw", "/dev/watchdog0 rw"],
            rpi5.Split('\n')
                .Where(line => line.StartsWith("DeviceAllow=", StringComparison.Ordinal))
                .Select(line => line["DeviceAllow=".Length..])
        );
        Assert.Contains(
            "--board /usr/lib/appliance/boards/rpi5/board.json --state /var/lib/appliance --console\n",
            rpi5,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("DeviceAllow", ServiceDropIn.For(new Board("bare", [])), StringComparison.Ordinal);
    }

    [Fact]
    public void ABoardMayNameItsPushProxy()
    {
        Assert.Null(Load($$"""{"name":"b",{{Nics}}}""").PushProxy);
        var proxy = Load(
            $$"""{"name":"b",{{Nics}},"pushProxy":{"addresses":["10.9.9.1:443","10.9.9.2:8443"],"ca":"proxy.pem"} }"""
        ).PushProxy!;
        Assert.Equal([IPEndPoint.Parse("10.9.9.1:443"), IPEndPoint.Parse("10.9.9.2:8443")], proxy.Addresses);
        Assert.Equal(("proxy.pem", null), (proxy.AuthorityFile, proxy.Name));
    }

    [Theory]
    [InlineData("""{"nics":[{"name":"port1","address":"10.0.0.1"}]}""", "name: is missing")]
    [InlineData("""{"name":"b"}""", "nics: is missing")]
    [InlineData("""{"name":"b","nics":[{"address":"10.0.0.1"}]}""", "nics[0].name: is missing")]
    [InlineData("""{"name":"b","nics":[{"name":"port1"}]}""", "nics[0].address: is missing")]
    [InlineData(
        """{"name":"b","nics":[{"name":"port1","address":"10.0.0.1","adress":"x"}]}""",
        "nics[0].adress: unknown key; did you mean 'address'?"
    )]
    [InlineData(
        """{"name":"b","nics":[{"name":"port1","match":{"divice":"eth0"}}]}""",
        "nics[0].match.divice: unknown key; did you mean 'device'?"
    )]
    [InlineData("""{"name":"b","nics":[{"name":"port1","match":{}}]}""", "nics[0].match: must have device")]
    [InlineData("""{"name":"b","nics":[{"name":"port1","match":{"mac":"12:34"}}]}""", "nics[0].match.mac: '12:34' is not a hardware")]
    [InlineData(
        """{"name":"b","nics":[{"name":"port1","role":"wann","address":"10.0.0.1"}]}""",
        "nics[0].role: must be one of undefined, wan, lan, dmz, not 'wann'; did you mean 'wan'?"
    )]
    [InlineData("""{"name":"b","nics":[{"name":"port1","address":"10.0.0.1/33"}]}""", "nics[0].address: '10.0.0.1/33' is not an IPv4")]
    [InlineData("""{"name":"b","nics":[{"name":"port1","address":"::1"}]}""", "nics[0].address: '::1' is not an IPv4 address")]
    [InlineData("""{"name":"b","nics":[{"name":"port 1","address":"10.0.0.1"}]}""", "nics[0].name: 'port 1' is not an interface name")]
    [InlineData("""{"name":"b","nics":[7]}""", "nics[0]: must be an object, not 7")]
    [InlineData("[1]", "must be a JSON object")]
    [InlineData("""{"name":"b","name":"c"}""", "name")]
    [InlineData("""{"name":"b","extends":"../x"}""", "extends: must be the name of a board")]
    [InlineData("""{"name":"b","extends":"nowhere"}""", "extends: board 'nowhere' does not exist beside it")]
    public void AMistakeIsToldWithItsPlace(string text, string named) => Refused(text, named);

    [Theory]
    [InlineData(
        """
            "leds":[{"name":"status","line":1}]
            """,
        "gpio: is missing"
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"leds":[{"name":"status","line":1},{"name":"ha","line":2},{"name":"alarm","line":3}]
            """,
        "leds: 'port1' is missing"
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"leds":[{"name":"satus","line":1}]
            """,
        "leds[0].name: unknown name 'satus'; did you mean 'status'?"
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"leds":[{"name":"status","line":1},{"name":"ha","line":1}]
            """,
        "leds[1].line: line 1 is already used by led status"
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"buttons":[{"name":"reset","line":1},{"name":"reset","line":2}]
            """,
        "buttons[1].name: reset is repeated"
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"buttons":[{"name":"reset","line":"1"}]
            """,
        "buttons[0].line: must be a whole number from 0 to 1023, not \"1\""
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"fan":{"line":1,"onCelsius":50,"offCelsius":60}
            """,
        "fan.offCelsius: must be below onCelsius"
    )]
    [InlineData(
        """
            "gpio":{"chip":"c"},"fan":{"line":1,"onCelsius":60,"offCelsius":50}
            """,
        "temperature: is missing"
    )]
    [InlineData(
        """
            "watchdog":{"device":"/dev/watchdog","seconds":1}
            """,
        "watchdog.seconds: must be a whole number from 4 to 600"
    )]
    [InlineData(
        """
            "pushProxy":{"addresses":[],"ca":"x"}
            """,
        "pushProxy.addresses: at least one is required"
    )]
    [InlineData(
        """
            "pushProxy":{"addresses":["10.9.9.1"],"ca":"x"}
            """,
        "pushProxy.addresses[0]: '10.9.9.1' is not an address with a port"
    )]
    [InlineData(
        """
            "pushProxy":{"addresses":["push.example:443"],"ca":"x"}
            """,
        "'push.example:443'"
    )]
    [InlineData(
        """
            "pushProxy":{"addresses":["10.9.9.1:443"]}
            """,
        "pushProxy.ca: is missing"
    )]
    public void AMistakeOfAPartIsToldWithItsPlace(string part, string named) => Refused($$"""{"name":"b",{{Nics}},{{part}}}""", named);

    [Fact]
    public void AMistakeInABoardThatIsExtendedIsToldAsItsOwn()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-boards-");
        try
        {
            Write("base", """{"name":"base","nics":[{"name":"port1","address":"x"}]}""");
            Assert.StartsWith(
                "base/board.json: nics[0].address",
                Assert.Throws<FormatException>(() => Board.Load(Write("child", """{"name":"child","extends":"base"}"""))).Message,
                StringComparison.Ordinal
            );
            Assert.Contains(
                "in a cycle",
                Assert.Throws<FormatException>(() => Board.Load(Write("ring", """{"name":"ring","extends":"ring"}"""))).Message,
                StringComparison.Ordinal
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        string Write(string name, string text)
        {
            var file = Path.Combine(folder.CreateSubdirectory(name).FullName, "board.json");
            File.WriteAllText(file, text);
            return file;
        }
    }

    [Fact]
    public async Task TheSchemaKnowsTheKeysThatTheReaderKnows()
    {
        // A whole board: each of its objects gets an unknown key, and both must refuse it; each key is taken away, and both must agree.
        var whole = $$"""
            {"$schema":"x","name":"b","model":"m",{{Nics[..^1].Replace(
                "\"address\"",
                "\"role\":\"wan\",\"match\":{\"device\":\"e\",\"mac\":\"020000000001\",\"driver\":\"d\",\"path\":\"p\"},\"address\"",
                StringComparison.Ordinal
            )}}],{{Panel}},
            "temperature":{"file":"f"},"fan":{"line":9,"onCelsius":60,"offCelsius":50},"display":{"bus":1,"address":39,"columns":16,"rows":2},
            "console":{"device":"d","baud":9600},"watchdog":{"device":"d","seconds":10},"pushProxy":{"addresses":["10.0.0.1:443"],"ca":"c","name":"n"} }
            """;
        var schema = await SchemaAsync();
        Load(whole);
        Assert.Empty(schema.Validate(whole));
        var wrong = new List<string>();
        foreach (var path in Objects(JsonNode.Parse(whole)!, ""))
        {
            var more = JsonNode.Parse(whole)!;
            Find(more, path)["nobody"] = 1;
            if (schema.Validate(more.ToJsonString()).Count == 0 || IsRead(more.ToJsonString()))
            {
                wrong.Add($"{path}.nobody");
            }
            foreach (var key in Find(JsonNode.Parse(whole)!, path).Select(field => field.Key).ToArray())
            {
                var less = JsonNode.Parse(whole)!;
                Find(less, path).Remove(key);
                // Conditions on other parts are checked by the reader only.
                if (
                    (schema.Validate(less.ToJsonString()).Count == 0) != IsRead(less.ToJsonString())
                    && $"{path}.{key}" is not (".gpio" or ".temperature")
                )
                {
                    wrong.Add($"without {path}.{key}");
                }
            }
        }
        Assert.Empty(wrong);
    }

    private static IEnumerable<string> Objects(JsonNode node, string path) =>
        node switch
        {
            JsonObject fields =>
            [
                path,
                .. fields.Where(field => field.Value is not null).SelectMany(field => Objects(field.Value!, $"{path}/{field.Key}")),
            ],
            JsonArray list => list.SelectMany((item, at) => Objects(item!, $"{path}/{at}")),
            _ => [],
        };

    private static JsonObject Find(JsonNode root, string path) =>
        (JsonObject)
            path.Split('/', StringSplitOptions.RemoveEmptyEntries)
                .Aggregate(root, (node, step) => node is JsonArray list ? list[int.Parse(step)]! : node[step]!);

    private static bool IsRead(string text)
    {
        try
        {
            Load(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static void Refused(string text, string named)
    {
        var message = Assert.Throws<FormatException>(() => Load(text)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains("board.json", message, StringComparison.Ordinal);
    }

    private static Board Load(string text)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-board-");
        try
        {
            var file = Path.Combine(folder.CreateSubdirectory("b").FullName, "board.json");
            File.WriteAllText(file, text);
            return Board.Load(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<JsonSchema> SchemaAsync() => JsonSchema.FromFileAsync(Path.Combine(Folder(), "board.schema.json"));

    private static string Folder() => Path.Combine(AppContext.BaseDirectory, "boards");
}
