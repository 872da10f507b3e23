using System.CommandLine;
using System.CommandLine.Parsing;
using Appliance.Bench.Callback;
using Appliance.Tool;

namespace Appliance.Bench;

/// <summary>The options of <c>bench</c>, and their rules.</summary>
internal sealed class BenchOptions
{
    public BenchOptions() => Name.AcceptOnlyFromAmong([.. BenchVerb.All.Select(bench => bench.Name)]);

    public Argument<string?> Name { get; } =
        new("NAME")
        {
            Description = "Which one: " + string.Join(", ", BenchVerb.All.Select(bench => $"{bench.Name} ({bench.Description})")),
            Arity = ArgumentArity.ZeroOrOne,
        };

    public Option<bool> List { get; } = new("--list") { Description = "The names" };

    public Option<int?> Seed { get; } = new("--seed") { Description = "Repeats the run of one seed (login-model)", HelpName = "N" };

    public Option<int?> Rounds { get; } = new("--rounds") { Description = "How many (power-cuts, image-update-cuts)", HelpName = "N" };

    public Option<bool> Json { get; } = new("--json") { Description = "JSON on stdout" };

    /// <summary>The folder of the process that <see cref="CallbackKill"/> starts and kills.</summary>
    public Option<string?> Killed { get; } = new(CallbackKill.Option) { Hidden = true };

    /// <summary>The number of tokens of that process.</summary>
    public Option<int> Tokens { get; } = new("--tokens") { Hidden = true };

    /// <summary>Adds an error for each rule over several options that a command line breaks.</summary>
    public void Validate(CommandResult result)
    {
        if (!result.GetValueOrDefault(List) && result.GetValue(Name) is null)
        {
            result.AddError("give a NAME, or --list");
        }
        var chosen = BenchVerb.All.FirstOrDefault(bench => bench.Name == result.GetValue(Name));
        if (result.GetValueOrDefault(Seed) is not null && chosen is not ({ RepeatAsync: not null } or { RoundsAsync: not null }))
        {
            var seeded = BenchVerb.All.Where(bench => bench.RepeatAsync is not null || bench.RoundsAsync is not null);
            result.AddError("--seed goes with a benchmark that has seeds: " + string.Join(", ", seeded.Select(bench => bench.Name)));
        }
        if (result.GetValueOrDefault(Rounds) is { } number && (number < 1 || chosen is not { RoundsAsync: not null }))
        {
            result.AddError("--rounds must be at least 1, and goes with power-cuts and image-update-cuts");
        }
    }
}
