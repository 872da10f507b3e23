using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Appliance.Doubles.Failures;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;
using Appliance.Tests.EndToEnd;
using Appliance.Tool;
using Xunit;

namespace Appliance.Tests.Scenarios;

/// <summary>The report of a run: of a failed step and of an unmet requirement, as text, as JSON and as JUnit's XML.</summary>
public sealed partial class ScenarioRunTests
{
    private static readonly string[] Denied = ["failed", "phone: denied"];

    [Fact]
    public async Task AStepThatFailsIsToldWithWhatWasExpectedAndSeenAndTheLoginsTimeline()
    {
        var result = await RunAsync(
            """
            title: Wrong on purpose
            steps:
              - login: ann
              - deny: ann
              - expect-login: in
            """
        );
        Assert.Equal(("failed", 2), (result.Outcome, result.Steps));
        var failure = result.Failure!;
        Assert.Equal((3, 5, "expect-login: in", "the login of ann is: in"), (failure.Step, failure.Line, failure.What, failure.Expected));
        Assert.Contains("it is: refused", failure.Seen, StringComparison.Ordinal);
        Assert.Contains(failure.Timeline, line => line.StartsWith('*') && line.EndsWith("phone: denied", StringComparison.Ordinal));
        var text = ScenarioReport.Text([result]);
        Assert.Contains(
            "step 3, line 5: expect-login: in\n    expected: the login of ann is: in\n    seen:     it is: refused",
            text,
            StringComparison.Ordinal
        );
        Assert.EndsWith("0 passed, 1 failed, 0 skipped\n", text, StringComparison.Ordinal);
        Assert.All(Denied, word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("login: ann\n    answer: code", "the client's reply: code")]
    [InlineData("login: bob\n    says: nothing like that", "the client is shown \"nothing like that\"")]
    [InlineData("login: bob\n    to: port3", "the SSL VPN listens")]
    [InlineData("cli: get system status\n    shows: a unicorn", "the console shows \"a unicorn\"")]
    [InlineData("cli: get system status\n    hides: Version", "the console does not show \"Version\"")]
    [InlineData("approve: ann", "the phone's answer is sent")]
    [InlineData("phone: bob\n    mode: deny", "bob has a phone")]
    [InlineData("enrol: ann", "a letter with an activation code in the inbox")]
    [InlineData("expect-event: \"32160\"", "at least one event 32160")]
    [InlineData("expect-phone: ann\n    pending: 1", "1 pushes wait on the phone of ann")]
    [InlineData("expect-phone: ann\n    online: false", "the phone of ann is off")]
    [InlineData("expect-phone: ann\n    last: accepted", "the last answer of the phone of ann is accepted")]
    [InlineData("expect-port: port2:4433", "port2:4433 is open")]
    [InlineData("expect-letter: code", "a letter with \"code\"")]
    [InlineData("expect-fault: push.drop", "push.drop has fired")]
    [InlineData("cli: execute fortitoken sync {trial token} 1 2", "a token of the free trial")]
    public async Task EveryExpectationCanFail(string step, string expected)
    {
        var result = await RunAsync($"title: Wrong on purpose\nsteps:\n  - {step}\n");
        Assert.Contains(expected, result.Failure?.Expected ?? "nothing failed", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link: port9\n    state: up", "there is no interface 'port9'; did you mean 'port1'?")]
    [InlineData("link: port1", "link needs state: up or down")]
    [InlineData("expect-login: in", "no login before this step")]
    [InlineData("code: ann", "no login of ann before this step")]
    [InlineData("login: ann\n    from: home", "from must be an address, not 'home'")]
    [InlineData("expect-port: port1", "expect-port takes INTERFACE:PORT, not 'port1'")]
    [InlineData("advance: -1s", "time goes forward only")]
    [InlineData("faults: [{ fault: nic.down, nic: port9 }]", "nic.down: interface 'port9' does not exist")]
    public async Task WhatMeansNothingIsAMistakeOfTheFile(string step, string told)
    {
        var wrong = await Assert.ThrowsAsync<FormatException>(() => RunAsync($"title: Wrong on purpose\nsteps:\n  - {step}\n"));
        Assert.Contains($"x.yaml:3: steps[0]: {told}", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConfigurationThatIsWrongIsAMistakeOfTheFile() =>
        await Assert.ThrowsAsync<FormatException>(() => RunAsync("title: x\nconfig: set nonsense\nsteps:\n  - login: ann\n"));

    [Fact]
    public async Task ANeedThatTheBoxDoesNotMeetSkipsTheScenarioWithItsReason()
    {
        var scenario = ScenarioText.Read("x.yaml", "title: x\nneeds: inbox\nsteps:\n  - link: port1\n    state: down\n");
        var result = await ScenarioRun.RunAsync(scenario, 1, (_, _) => new LimitedTarget());
        Assert.Equal(
            ("skipped", "this box has not: inbox (the lab has its mail), link (cables can be pulled)"),
            (result.Outcome, result.Skipped)
        );
        Assert.EndsWith("0 passed, 0 failed, 1 skipped\n", ScenarioReport.Text([result]), StringComparison.Ordinal);
        Assert.Equal(
            "this box has not: inbox (the lab has its mail), link (cables can be pulled)",
            XDocument.Parse(JUnit(result)).Descendants("skipped").Single().Attribute("message")!.Value
        );
    }

    [Fact]
    public async Task JUnitsXmlSaysTheSameAsTheJson()
    {
        var passed = await RunAsync("title: x\nsteps:\n  - login: bob\n    answer: in\n");
        var failed = await RunAsync("title: y\nsteps:\n  - cli: \"get system status\\u001b]0;\\u0007\"\n    shows: \"<&\\u0001\\uFFFE\"\n");
        var xml = XDocument.Parse(JUnit(passed, failed)).Root!;
        var suite = xml.Element("testsuite")!;
        Assert.Equal(
            ("testsuites", "scenarios", "2", "1", "0"),
            (
                xml.Name.LocalName,
                suite.Attribute("name")!.Value,
                suite.Attribute("tests")!.Value,
                suite.Attribute("failures")!.Value,
                suite.Attribute("skipped")!.Value
            )
        );
        var failure = suite.Elements("testcase").Last().Element("failure")!;
        Assert.Contains("<&", failure.Attribute("message")!.Value, StringComparison.Ordinal);
        Assert.DoesNotContain(failure.Value, c => char.IsControl(c) && c != '\n');
        var json = JsonNode.Parse(ScenarioReport.Json([passed, failed]))!;
        Assert.Equal((1, 1, 0), (json["passed"]!.GetValue<int>(), json["failed"]!.GetValue<int>(), json["skipped"]!.GetValue<int>()));
        Assert.Equal(["passed", "failed"], json["scenarios"]!.AsArray().Select(one => one!["outcome"]!.GetValue<string>()));
        Assert.Equal(
            (1, 3),
            (json["scenarios"]![1]!["failure"]!["step"]!.GetValue<int>(), json["scenarios"]![1]!["failure"]!["line"]!.GetValue<int>())
        );
        Assert.Contains(passed.EventLogDigest, suite.Elements("testcase").First().Element("system-out")!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheVerbHasItsExitCodes()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-verb-");
        try
        {
            string File(string name, string text)
            {
                var file = Path.Combine(folder.FullName, name);
                System.IO.File.WriteAllText(file, text);
                return file;
            }
            var log = Path.Combine(folder.FullName, "log");
            var junit = Path.Combine(folder.FullName, "junit.xml");
            var good = await VerbAsync("code-login", "--seed", "5", "--json", "--junit", junit, "--log", log);
            Assert.Equal(ExitCode.Ok, good.ExitCode);
            var json = JsonNode.Parse(JsonLine().Match(good.Output).Value)!["scenarios"]![0]!;
            Assert.Equal(
                ("code-login", 5, "passed"),
                (json["name"]!.GetValue<string>(), json["seed"]!.GetValue<int>(), json["outcome"]!.GetValue<string>())
            );
            Assert.Contains("  1 login: cat\n", good.Output, StringComparison.Ordinal); // Progress, on stderr.
            Assert.Equal("code-login", XDocument.Load(junit).Descendants("testcase").Single().Attribute("name")!.Value);
            Assert.Equal(
                json["eventLogSha256"]!.GetValue<string>(),
                Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.IO.File.ReadAllBytes(log)))
            );

            Assert.Equal(
                ExitCode.AssertionFailed,
                (await VerbAsync(File("a.yaml", "title: x\nsteps:\n  - login: bob\n    answer: code\n"))).ExitCode
            );
            var invalid = await VerbAsync(File("b.yaml", "title: x\nsteps:\n  - logn: bob\n"));
            Assert.Equal(ExitCode.ConfigurationInvalid, invalid.ExitCode);
            Assert.Contains(
                "b.yaml:3: steps[0]: no step begins with 'logn'; did you mean 'login'?",
                invalid.Output,
                StringComparison.Ordinal
            );
            // A report for continuous integration contains it, too.
            Assert.Equal(
                ExitCode.ConfigurationInvalid,
                (await VerbAsync(Path.Combine(folder.FullName, "b.yaml"), "--junit", junit)).ExitCode
            );
            var suite = XDocument.Load(junit).Root!.Element("testsuite")!;
            Assert.Equal(
                ("1", "0", "1"),
                (suite.Attribute("tests")!.Value, suite.Attribute("failures")!.Value, suite.Attribute("errors")!.Value)
            );
            Assert.Contains(
                "b.yaml:3: steps[0]: no step begins with 'logn'",
                suite.Element("testcase")!.Element("error")!.Attribute("message")!.Value,
                StringComparison.Ordinal
            );
            var latin = Path.Combine(folder.FullName, "c.yaml");
            await System.IO.File.WriteAllBytesAsync(
                latin,
                [.. "title: x\nabout: caf"u8, 0xe9, .. "\nsteps:\n  - advance: 1\n"u8],
                TestContext.Current.CancellationToken
            );
            var undecodable = await VerbAsync(latin);
            Assert.Equal(
                (ExitCode.ConfigurationInvalid, true),
                (undecodable.ExitCode, undecodable.Output.Contains("c.yaml:2: the line is not UTF-8", StringComparison.Ordinal))
            );
            var unknown = await VerbAsync("push-aprove");
            Assert.Equal(ExitCode.Usage, unknown.ExitCode);
            Assert.Contains("did you mean 'push-approve'?", unknown.Output, StringComparison.Ordinal);
            Assert.Equal(ExitCode.Usage, (await VerbAsync("push-approve", "--all")).ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Everywhere else random values are cryptographic: only a scenario target can give a unit seeded ones.</summary>
    [Fact]
    public void SeededNumbersAreAScenariosAlone()
    {
        var sources = Repository
            .Sources()
            .Where(file => !file.StartsWith(Repository.PathOf("tests/"), StringComparison.Ordinal))
            .ToArray();
        Assert.All(
            sources.Where(file => File.ReadAllText(file).Contains("SeededNumbers", StringComparison.Ordinal)),
            file => Assert.Contains("/sim/Lab/", file, StringComparison.Ordinal)
        );
        Assert.Equal(["SimulatedTarget.cs"], sources.Where(file => SetsNumbers().IsMatch(File.ReadAllText(file))).Select(Path.GetFileName));
        // And it opens no socket.
        Assert.DoesNotContain(
            sources.Where(file =>
                file.Contains("/sim/Lab/Scenarios/", StringComparison.Ordinal)
                || Path.GetFileName(file).StartsWith("Sim", StringComparison.Ordinal)
            ),
            file =>
                File.ReadAllText(file).Contains("Socket(", StringComparison.Ordinal)
                || File.ReadAllText(file).Contains("SocketNic", StringComparison.Ordinal)
        );
    }

    private static async Task<ScenarioResult> RunAsync(string text) =>
        await SimulatedRun.RunAsync(ScenarioText.Read("x.yaml", text));

    private static Task<PeerRun> VerbAsync(params string[] arguments) =>
        Peer.RunAsync("dotnet", [typeof(ExitCode).Assembly.Location, "scenario", .. arguments]);

    private static string JUnit(params ScenarioResult[] results)
    {
        using var stream = new MemoryStream();
        ScenarioReport.JUnit(stream, results);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    [GeneratedRegex(@"\{""passed"".*\}")]
    private static partial Regex JsonLine();

    [GeneratedRegex(@"\bNumbers = (?!appliance\.Numbers,)|\bSerialNumber = SerialNumberOf")]
    private static partial Regex SetsNumbers();
}
