using System.Security.Cryptography;
using System.Text;

namespace Appliance.Lab.Scenarios;

/// <summary>Where a scenario did not go as it should.</summary>
/// <param name="Step">Which step, from 1.</param>
/// <param name="Line">Where it stands in the file.</param>
/// <param name="What">The step, as a line.</param>
/// <param name="Expected">What should have been.</param>
/// <param name="Seen">What was.</param>
/// <param name="Timeline">The newest login, step by step; empty when there was none.</param>
internal sealed record ScenarioFailure(int Step, int Line, string What, string Expected, string Seen, IReadOnlyList<string> Timeline);

/// <summary>What came of a run.</summary>
/// <param name="Name">The scenario.</param>
/// <param name="Title">Its title.</param>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Steps">How many steps went as they should.</param>
/// <param name="Skipped">Why it was not run; null when it was.</param>
/// <param name="Failure">Null when it passed.</param>
/// <param name="EventLog">The event log, a line an event.</param>
/// <param name="Seconds">How long it took, in real time.</param>
internal sealed record ScenarioResult(
    string Name,
    string Title,
    int Seed,
    int Steps,
    string? Skipped,
    ScenarioFailure? Failure,
    string EventLog,
    double Seconds
)
{
    public string Outcome =>
        Skipped is not null ? "skipped"
        : Failure is null ? "passed"
        : "failed";

    /// <summary>What another run of the same seed must come to.</summary>
    public string EventLogDigest => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(EventLog)));
}
