using System.Security.Cryptography;
using System.Text;

namespace Appliance.Lab.Scenarios;

/// <summary>A failed step.</summary>
/// <param name="Step">The number of the step, from 1.</param>
/// <param name="Line">Its line in the file.</param>
/// <param name="What">The step as a readable line.</param>
/// <param name="Expected">The expected value.</param>
/// <param name="Seen">The actual value.</param>
/// <param name="Timeline">The timeline of the newest login; empty if there was none.</param>
internal sealed record ScenarioFailure(int Step, int Line, string What, string Expected, string Seen, IReadOnlyList<string> Timeline);

/// <summary>The result of a run.</summary>
/// <param name="Name">The scenario.</param>
/// <param name="Title">Its title.</param>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Steps">The number of steps that passed.</param>
/// <param name="Skipped">The reason for skipping it; null if it ran.</param>
/// <param name="Failure">The failed step; null if it passed.</param>
/// <param name="EventLog">The event log, a line an event.</param>
/// <param name="Seconds">The duration in real time.</param>
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

    /// <summary>The SHA-256 of the event log, which another run with the same seed must reproduce.</summary>
    public string EventLogDigest => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(EventLog)));
}
