using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The rows of all console commands of a unit: permissions, arguments and the page that lists them.</summary>
public sealed class CommandRowTests : IAsyncLifetime
{
    /// <summary>The commands that no access profile can grant; each with its reason. There are none.</summary>
    private static readonly string[] ForSuperAdminsOnly = [];

    private TranscriptUnit _unit = null!;
    private CliSession _session = null!;

    public async ValueTask InitializeAsync()
    {
        _unit = await TranscriptUnit.StartAsync(Personality.Default);
        _session = _unit.OpenConsole();
    }

    public async ValueTask DisposeAsync()
    {
        _session.Dispose();
        await _unit.DisposeAsync();
    }

    [Fact]
    public void Every_command_states_a_permission_that_each_release_can_grant()
    {
        foreach (var personality in Personality.All)
        {
            var profile = ConfigSchema.Load(personality).Table("system accprofile")!;
            foreach (var command in _session.Commands.Where(command => !ForSuperAdminsOnly.Contains(command.Words)))
            {
                var (group, part) = command.Permission.Permission;
                Assert.True(group is { Length: > 0 } && command.Permission.Level != Access.None, $"{command.Words} states no permission");
                Assert.True(profile.Attribute(group) is not null, $"{personality.Name}: {command.Words} needs {group}");
                Assert.True(
                    part.Length == 0 || profile.Child(group + "-permission") is not { } custom || custom.Attribute(part) is not null,
                    $"{personality.Name}: {command.Words} needs {group} {part}"
                );
            }
        }
    }

    [Fact]
    public void The_words_of_a_command_are_registered_once()
    {
        Assert.Empty(_session.Commands.GroupBy(command => command.Words).Where(same => same.Count() > 1).Select(same => same.Key));
        Assert.All(_session.Commands, command => Assert.EndsWith(".", command.Help, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_command_refuses_missing_and_surplus_arguments_in_the_same_words()
    {
        var incomplete = _session.Commands.Where(command => command.Arguments.Least > 0).ToArray();
        Assert.NotEmpty(incomplete);
        foreach (var command in incomplete)
        {
            Assert.Equal(
                (command.Words, "\nincomplete command in the end\nCommand fail. Return code -160\n\n"),
                (command.Words, _session.Execute(command.Words + string.Concat(Enumerable.Repeat(" 1", command.Arguments.Least - 1))))
            );
        }
        foreach (var command in _session.Commands.Where(command => command.Arguments.Most < int.MaxValue))
        {
            var arguments = string.Concat(Enumerable.Repeat(" 1", command.Arguments.Most));
            Assert.Equal(
                (command.Words, "\ncommand parse error before '@'\nCommand fail. Return code -61\n\n"),
                (command.Words, _session.Execute($"{command.Words}{arguments} @"))
            );
        }
        Assert.False(_session.Waits);
    }

    [Fact]
    public void The_page_lists_every_command_with_its_permission() =>
        DocRows.AssertSame(
            "docs/reference/commands.md",
            "commands",
            "| command | arguments | needs | help |",
            _session
                .Commands.OrderBy(command => command.Words, StringComparer.Ordinal)
                .Select(command =>
                    (string[])[$"`{command.Words}`", Arguments(command.Arguments), Needs(command.Permission), command.Help]
                )
        );

    private static string Arguments(CliArguments arguments) =>
        arguments switch
        {
            (0, 0) => "",
            (0, int.MaxValue) => "any",
            (var least, int.MaxValue) => $"{least} or more",
            var (least, most) when least == most => $"{least}",
            var (least, most) => $"{least} to {most}",
        };

    private static string Needs(RequiredAccess required) =>
        $"`{required.Permission.Group}`{(required.Permission.Part.Length > 0 ? " " + required.Permission.Part : "")}"
        + (required.Level == Access.Read ? " r" : " w");
}
