using Appliance.Lab.Scenarios;
using NJsonSchema;
using Xunit;

namespace Appliance.Tests.Scenarios;

/// <summary>A scenario's file: the accepted texts, the refused ones with their messages, and the published schema, which agrees.</summary>
public sealed class ScenarioTextTests
{
    private const string Steps = "steps:\n  - login: ann\n";

    [Fact]
    public void AFileIsReadAsItStands()
    {
        var scenario = ScenarioText.Read(
            "some/where/mine.yaml",
            """
            title: Mine
            about: >
              Two
              lines.
            needs: link
            personality: "7.2"
            config: |
              config system global
              end
            steps:
              - login: ann
                from: 192.0.2.1
                wait: false
              - advance: 1.5m
              - faults: [{ fault: push.drop, p: 0.5, match: { user: "007" } }]
              - {"expect-event": "32160", "with": {"user": "ann"}, "count": 2}
            """
        );
        Assert.Equal(
            ("mine", "Mine", "Two lines.", "7.2", "config system global\nend\n"),
            (scenario.Name, scenario.Title, scenario.About, scenario.Personality.Name, scenario.Config)
        );
        Assert.Equal(["link", "sources", "clock", "faults"], scenario.Needs);
        Assert.Equal([11, 14, 15, 16], scenario.Steps.Select(step => step.Line));
        Assert.Equal(
            ("ann", "192.0.2.1", false),
            (scenario.Steps[0].Subject, scenario.Steps[0].Text("from"), scenario.Steps[0].Flag("wait"))
        );
        Assert.Equal(TimeSpan.FromSeconds(90), scenario.Steps[1].Duration("advance"));
        Assert.Equal("""[{"fault":"push.drop","p":0.5,"match":{"user":"007"}}]""", scenario.Steps[2].Json("faults").GetRawText());
        Assert.Equal((2, "ann"), (scenario.Steps[3].Whole("count"), scenario.Steps[3].Fields("with")!["user"]));
    }

    [Theory]
    [InlineData(Steps, "x.yaml:1: title: it is missing")]
    [InlineData("title: x\n", "x.yaml:1: steps: it must be a list of 1 to 500 steps")]
    [InlineData("title: x\nsteps: []\n", "x.yaml:2: steps: it must be a list")]
    [InlineData("title: x\nstep:\n  - login: ann\n", "x.yaml:2: step: a scenario has no field 'step'; did you mean 'steps'?")]
    [InlineData("title: x\nsteps:\n  - logn: ann\n", "x.yaml:3: steps[0]: no step begins with 'logn'; did you mean 'login'?")]
    [InlineData("title: x\nsteps:\n  - zzzzzzzzz: ann\n", "known: cli, login")]
    [InlineData(
        "title: x\nsteps:\n  - login: ann\n    pasword: x\n",
        "x.yaml:4: steps[0].pasword: login has no field 'pasword'; did you mean 'password'?"
    )]
    [InlineData("title: x\nsteps:\n  - advance: 1\n    of: x\n", "x.yaml:4: steps[0].of: advance has no field 'of'; it takes none")]
    [InlineData(
        "title: x\nsteps:\n  - login: ann\n    advance: 5s\n",
        "x.yaml:3: steps[0]: a step has one word, not both login and advance"
    )]
    [InlineData("title: x\nsteps:\n  - login: ann\n    answer: pushed\n", "x.yaml:4: steps[0].answer: it must be one of in, refused")]
    [InlineData("title: x\nsteps:\n  - login: ann\n    answer: pushed\n", "not 'pushed'; did you mean 'push'?")]
    [InlineData(
        "title: x\nsteps:\n  - advance: soon\n",
        "x.yaml:3: steps[0].advance: it must be seconds, or a number with ms, s, m, h or d, not 'soon'"
    )]
    [InlineData("title: x\nsteps:\n  - login: ann\n    wait: maybe\n", "steps[0].wait: it must be true or false, not 'maybe'")]
    [InlineData(
        "title: x\nsteps:\n  - expect-phone: ann\n    pending: -1\n",
        "steps[0].pending: it must be a whole number from 0 on, not '-1'"
    )]
    [InlineData("title: x\nsteps:\n  - login: [ann]\n", "x.yaml:3: steps[0].login: it must be a text")]
    [InlineData("title: x\nsteps:\n  - login:\n", "steps[0].login: it must be a text")]
    [InlineData("title: x\nsteps:\n  - reboot: hard\n", "steps[0].reboot: it takes no value")]
    [InlineData("title: x\nsteps:\n  - phone: ann\n    mode: approve\n    delay: 0\n", "x.yaml:5: steps[0].delay: a phone takes some time")]
    [InlineData("title: x\nsteps:\n  - login\n", "x.yaml:3: steps[0]: it must be fields with values")]
    [InlineData(
        "title: x\nsteps:\n  - faults: [{ fault: push.lose }]\n",
        "x.yaml:3: steps[0].faults: faults[0].fault must be one of push.drop"
    )]
    [InlineData("title: x\nsteps:\n  - faults:\n    - { fault: push.drop, p: 2 }\n", "faults[0].p must be a number from 0 to 1, not 2")]
    [InlineData("title: x\nsteps:\n  - policy: { pushLimit: 101 }\n", "steps[0].policy: pushLimit must be a number from 0 to 100")]
    [InlineData("title: x\nsteps:\n  - policy: { limit: 1 }\n", "steps[0].policy: unknown field 'limit'")]
    [InlineData("title: x\nneeds: [lnk]\n" + Steps, "x.yaml:2: needs: no box is known to have 'lnk'; did you mean 'link'?")]
    [InlineData("title: x\npersonality: \"5.0\"\n" + Steps, "x.yaml:2: personality: it must be one of 6.4, 7.0")]
    [InlineData("title: x\ntitle: y\n" + Steps, "x.yaml:2: it is not YAML")]
    [InlineData("title: \"x\n", "it is not YAML")]
    [InlineData("title: &a x\nabout: *a\n" + Steps, "x.yaml:1: anchors, aliases and tags are not taken")]
    [InlineData("title: !!binary x\n" + Steps, "x.yaml:1: anchors, aliases and tags are not taken")]
    [InlineData("title: x\n---\ntitle: y\n", "x.yaml:1: it holds more than one document")]
    [InlineData("", "x.yaml:1: it is empty")]
    [InlineData("[[[[[[[[[[[[[[1]]]]]]]]]]]]]]", "x.yaml:1: it is nested too deeply")]
    [InlineData("- 1", "x.yaml:1: the scenario: it must be fields with values")]
    public void AMistakeIsToldWithItsPlaceAndReason(string text, string told)
    {
        var message = Assert.Throws<FormatException>(() => ScenarioText.Read("x.yaml", text)).Message;
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.StartsWith("x.yaml:", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatIsTooLongIsRefused() =>
        Assert.Contains(
            "characters (limit 65536)",
            Assert.Throws<FormatException>(() => ScenarioText.Read("x.yaml", "title: x\n" + Steps + new string(' ', 70_000))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void ThePublishedSchemaIsMadeOfTheReadersTables()
    {
        var file = Repository.PathOf("sim/Lab/Scenarios/scenario.schema.json");
        if (Golden.Updates)
        {
            File.WriteAllText(file, ScenarioSchema.Text);
        }
        Assert.Equal(File.ReadAllText(file), ScenarioSchema.Text);
    }

    [Fact]
    public void TheDocumentHasEveryWordFieldNeedAndScenario()
    {
        var document = File.ReadAllText(Repository.PathOf("docs/use/scenarios.md"));
        foreach (var word in StepWord.All)
        {
            var row = Assert.Single(Table(document, "| word |"), line => line.StartsWith($"| `{word.Word}` |", StringComparison.Ordinal));
            Assert.All(word.Fields, field => Assert.Contains($"`{field.Name}`", row, StringComparison.Ordinal));
        }
        Assert.Equal(
            ScenarioNeed.All.Keys.Order(StringComparer.Ordinal),
            Table(document, "| capability |").Select(line => line.Split('`')[1]).Order(StringComparer.Ordinal)
        );
        var listed = Table(document, "| scenario |");
        Assert.Equal(
            Scenario.Shipped.Select(name =>
                $"| `{name}` | {ScenarioText.Read(name + Scenario.FileEnd, Scenario.ShippedText(name)!).Title} |"
            ),
            listed
        );
    }

    [Fact]
    public async Task EveryShippedFileIsAsTheSchemaSays()
    {
        var schema = await JsonSchema.FromJsonAsync(ScenarioSchema.Text);
        foreach (var name in Scenario.Shipped)
        {
            var errors = schema.Validate(YamlText.ToJson(YamlText.Parse(Scenario.ShippedText(name)!))!.ToJsonString());
            Assert.True(errors.Count == 0, $"{name}: {string.Join("; ", errors)}");
        }
    }

    [Theory]
    [InlineData("title: x\nstep:\n  - login: ann\n")]
    [InlineData("title: x\nsteps:\n  - logn: ann\n")]
    [InlineData("title: x\nsteps:\n  - login: ann\n    answer: pushed\n")]
    [InlineData("title: x\nsteps:\n  - login: ann\n    advance: 5s\n")]
    [InlineData("title: x\nsteps:\n  - faults: [{ fault: push.delay }]\n")]
    [InlineData("title: x\nsteps:\n  - faults: [{ fault: push.lose }]\n")]
    [InlineData("title: x\nsteps:\n  - advance: soon\n")]
    [InlineData("title: x\nsteps:\n  - reboot: hard\n")]
    [InlineData("title: x\nsteps:\n  - policy: { limit: 1 }\n")]
    [InlineData("title: x\nneeds: [lnk]\n" + Steps)]
    [InlineData("title: x\nsteps: []\n")]
    public async Task WhatTheReaderRefusesTheSchemaRefusesToo(string text)
    {
        Assert.Throws<FormatException>(() => ScenarioText.Read("x.yaml", text));
        Assert.NotEmpty(
            (await JsonSchema.FromJsonAsync(ScenarioSchema.Text)).Validate(YamlText.ToJson(YamlText.Parse(text))!.ToJsonString())
        );
    }

    /// <summary>The rows of the table with a header.</summary>
    private static IEnumerable<string> Table(string document, string header) =>
        document[document.IndexOf(header, StringComparison.Ordinal)..]
            .Split('\n')
            .TakeWhile(line => line.Length > 0)
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal));
}
