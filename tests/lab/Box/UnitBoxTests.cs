using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Remote;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;
using NJsonSchema;
using Xunit;

namespace Appliance.Tests.Box;

/// <summary>Scenarios on a remote unit, over the lab link through its listener; and the callers that the listener refuses.</summary>
public sealed class UnitBoxTests
{
    private const string Whole =
        """{"name":"u","board":"desktop","network":"10.0.0","bench":"10.0.0.9","agent":{"address":"10.0.0.1:7001","keyFile":"k"},"console":{"device":"/dev/ttyUSB0","speed":9600}}""";

    [Fact]
    public async Task ScenariosRunOnAUnitThatStandsElsewhere()
    {
        await using var unit = await AgentProcess.StartAsync();
        var site = new RemoteSite(TargetFile.Load(unit.TargetFile));
        // A login by push, with its phone's callback; a console's lines and the listeners then; a consumed code over a restart; then
        // another state,
        // in which nothing of the first is stored.
        foreach (var name in new[] { "push-approve", "callback-server-ip", "code-used-survives-reboot", "push-deny" })
        {
            var result = await ScenarioRun.RunAsync(Read(name), 1, (scenario, _) => new RemoteTarget(site, scenario));
            Assert.True(result.Failure is null && result.Skipped is null && result.Steps > 2, ScenarioReport.Text([result]));
        }
        await using var unstarted = new RemoteTarget(site, Read("panel-boot"));
        Assert.Equal(
            "this box has not: panel (LEDs and buttons can be seen and pressed)",
            ScenarioNeed.Unmet(Read("panel-boot"), unstarted)
        );
        Assert.Equal(
            "this box has not: sources (clients and phones have addresses of their own), clock (time moves by hand only)",
            ScenarioNeed.Unmet(Read("source-blocked"), unstarted)
        );
    }

    [Fact]
    public async Task WhoHasNotTheKeyGetsNothing()
    {
        await using var unit = await AgentProcess.StartAsync();
        unit.Write("other.key", new string('a', 64));
        var stranger = await Assert.ThrowsAsync<LabFailure>(() =>
            new RemoteSite(TargetFile.Load(unit.WriteBox("other.json", "other.key"))).LinkAsync()
        );
        Assert.Contains("the agent has another key", stranger.Message, StringComparison.Ordinal);
        // A caller that speaks the link immediately, without the handshake, is disconnected and receives nothing.
        await using (
            var plain = new ConnectionStream(
                await new SocketNic("stranger", System.Net.IPAddress.Loopback).ConnectAsync(
                    System.Net.IPEndPoint.Parse(unit.Listener),
                    TestContext.Current.CancellationToken
                )
            )
        )
        {
            await plain.WriteAsync("LLLLLLLLLLLLLLLLLLLLLLLL"u8.ToArray(), TestContext.Current.CancellationToken);
            var answer = new byte[256];
            var length = await plain.ReadAtLeastAsync(
                answer,
                answer.Length,
                throwOnEndOfStream: false,
                TestContext.Current.CancellationToken
            );
            // At most an alert of TLS (RFC 8446, 6): content type 21.
            Assert.True(length == 0 || (answer[0] == 21 && length <= 7), Convert.ToHexString(answer, 0, length));
        }
        await using var link = await new RemoteSite(TargetFile.Load(unit.TargetFile)).LinkAsync();
    }

    [Theory]
    [InlineData("\"bench\":\"10.0.0.9\",", "", "box.json: bench: is missing")]
    [InlineData("\"bench\"", "\"bnech\"", "box.json: bnech: unknown key; did you mean 'bench'?")]
    [InlineData("\"10.0.0\"", "\"10.0\"", "box.json: network: must be the first three octets of an IPv4 address, not '10.0'")]
    [InlineData("10.0.0.1:7001", "10.0.0.1", "box.json: agent.address: must be ADDRESS:PORT, not '10.0.0.1'")]
    [InlineData("\"desktop\"", "\"destkop\"", "box.json: board: no board 'destkop'; did you mean 'desktop'?")]
    [InlineData("\"k\"", "\"none\"", "box.json: agent.keyFile: ")]
    [InlineData("\"k\"", "\"short\"", "a key is 64 hexadecimal digits (openssl rand -hex 32)")]
    [InlineData("\"device\":\"/dev/ttyUSB0\",", "", "box.json: console.device: is missing")]
    [InlineData(
        "\"/dev/ttyUSB0\"",
        "\"ttyUSB0\"",
        "box.json: console.device: must be the whole path of a serial device, for example /dev/ttyUSB0, not 'ttyUSB0'"
    )]
    [InlineData("9600", "14400", "box.json: console.speed: must be one of 9600, 19200, 38400, 57600, 115200, not 14400")]
    [InlineData("9600", "\"fast\"", "box.json: console.speed: must be a whole number from 9600 to 115200, not \"fast\"")]
    [InlineData("\"speed\"", "\"sped\"", "box.json: console.sped: unknown key; did you mean 'speed'?")]
    [InlineData("{\"device\":\"/dev/ttyUSB0\",\"speed\":9600}", "\"/dev/ttyUSB0\"", "box.json: console: must be an object")]
    [InlineData("{\"name\"", "[\"name\"", "box.json: ")]
    public async Task WhatIsWrongInTheFileIsToldWithItsPath(string text, string instead, string told)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-box-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "k"), new string('0', 64), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "short"),
                new string('0', 63),
                TestContext.Current.CancellationToken
            );
            var file = Path.Combine(folder.FullName, "box.json");
            await File.WriteAllTextAsync(file, Whole, TestContext.Current.CancellationToken);
            Assert.Equal(
                ("u", "10.0.0", new SerialDevice("/dev/ttyUSB0", 9600)),
                (TargetFile.Load(file).Name, TargetFile.Load(file).Network, TargetFile.Load(file).Console)
            );
            await File.WriteAllTextAsync(
                file,
                Whole.Replace(text, instead, StringComparison.Ordinal),
                TestContext.Current.CancellationToken
            );
            var failure = Assert.Throws<LabFailure>(() => TargetFile.Load(file));
            Assert.Contains(told, failure.Message, StringComparison.Ordinal);
            Assert.Equal(FailureKind.ConfigurationInvalid, failure.Kind);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task TheSchemaSaysTheSame()
    {
        var schema = await JsonSchema.FromFileAsync(
            Repository.PathOf("sim/Lab/Remote/box.schema.json"),
            TestContext.Current.CancellationToken
        );
        Assert.Empty(schema.Validate(Whole));
        Assert.Empty(schema.Validate(Whole.Replace(",\"speed\":9600", "", StringComparison.Ordinal)));
        Assert.Empty(
            schema.Validate(Whole.Replace(",\"console\":{\"device\":\"/dev/ttyUSB0\",\"speed\":9600}", "", StringComparison.Ordinal))
        );
        foreach (
            var (text, instead) in new[]
            {
                ("\"bench\":\"10.0.0.9\",", ""),
                ("\"bench\"", "\"bnech\""),
                ("\"10.0.0\"", "\"10.0\""),
                ("10.0.0.1:7001", "10.0.0.1"),
                ("\"k\"", "\"\""),
                ("\"device\":\"/dev/ttyUSB0\",", ""),
                ("\"/dev/ttyUSB0\"", "\"ttyUSB0\""),
                ("9600", "14400"),
                ("9600", "\"fast\""),
                ("\"speed\"", "\"sped\""),
                ("{\"device\":\"/dev/ttyUSB0\",\"speed\":9600}", "\"/dev/ttyUSB0\""),
            }
        )
        {
            Assert.NotEmpty(schema.Validate(Whole.Replace(text, instead, StringComparison.Ordinal)));
        }
    }

    private static Scenario Read(string name) => ScenarioText.Read(name + Scenario.FileEnd, Scenario.ShippedText(name)!);
}
