namespace Appliance.Lab.Scenarios;

/// <summary>A capability that a scenario may need of its target.</summary>
/// <param name="Name">The word in <c>needs</c>.</param>
/// <param name="Help">The capability in words.</param>
/// <param name="IsMet">True if a target has it.</param>
internal sealed record ScenarioNeed(string Name, string Help, Func<IScenarioTarget, bool> IsMet)
{
    /// <summary>The need of a FortiAuthenticator emulator.</summary>
    public const string Authenticator = "authenticator";

    /// <summary>Every need by its name, in the order of the documents.</summary>
    public static IReadOnlyDictionary<string, ScenarioNeed> All { get; } =
        new ScenarioNeed[]
        {
            new("clock", "time moves by hand only", target => target.Clock is not null),
            new("faults", "faults can be set", target => target.Faults is not null),
            new("phones", "the lab's phones take its pushes", target => target.Phones is not null),
            new("timeline", "logins tell their steps", target => target.Timelines is not null),
            new("link", "cables can be pulled", target => target.Cables is not null),
            new("inbox", "the lab has its mail", target => target.Inbox is not null),
            new("policy", "the lab's own rules can be set", target => target.Policy is not null),
            new("sources", "clients and phones have addresses of their own", target => target.HasSources),
            new("panel", "LEDs and buttons can be seen and pressed", target => target.Panel is not null),
            new(
                Authenticator,
                "the lab has its FortiAuthenticator emulator, and the unit sends requests to it",
                target => target.HasAuthenticator
            ),
        }.ToDictionary(need => need.Name);

    /// <summary>The reason why a target cannot run a scenario; null if it can.</summary>
    public static string? Unmet(Scenario scenario, IScenarioTarget target) =>
        scenario.Needs.Select(need => All[need]).Where(need => !need.IsMet(target)).Select(need => $"{need.Name} ({need.Help})").ToArray()
            is { Length: > 0 } unmet
            ? "this box has not: " + string.Join(", ", unmet)
            : null;
}
