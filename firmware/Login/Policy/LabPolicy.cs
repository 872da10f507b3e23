using System.Globalization;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login.Policy;

/// <summary>
/// Optional rules of the lab that the device does not have; all off by default. They are not attributes of the vendor's tables, so no
/// configuration contains them. The lab API sets them (<c>PUT /lab/policy</c>), and the state database stores them.
/// </summary>
public sealed record LabPolicy
{
    /// <summary>The SQL that creates the table of values that differ from the default.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS lab_policy (name TEXT PRIMARY KEY, value INTEGER NOT NULL)";

    /// <summary>The default policy, with every rule off.</summary>
    public static readonly LabPolicy Default = new();

    /// <summary>
    /// The maximum number of unanswered pushes of a user within <see cref="PushWindow"/>. Beyond it, only a code is accepted. 0: no limit.
    /// At most 100.
    /// </summary>
    public int PushLimit { get; init; }

    /// <summary>The window of <see cref="PushLimit"/>.</summary>
    public TimeSpan PushWindow { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>True if the user must type on the phone two digits that the login displays.</summary>
    public bool NumberMatch { get; init; }

    /// <summary>The life of a push (the device's own figure is *assumed*: its debug output shows <c>timeout = 60</c>).</summary>
    public TimeSpan PushLife { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// True to emulate the bug of CVE-2020-12812: a name whose spelling differs from a local user's is passed to the remote servers of the
    /// groups as if there were no such user, which bypasses the user's second factor.
    /// </summary>
    public bool NameSpellingBug { get; init; }

    /// <summary>Reads the policy from the database. For start-up only.</summary>
    public static LabPolicy Load(StateDatabase state)
    {
        var values = state
            .Read("SELECT name, value FROM lab_policy", row => (row.GetString(0), row.GetInt64(1)))
            .ToDictionary(row => row.Item1, row => row.Item2, StringComparer.Ordinal);
        return new LabPolicy
        {
            PushLimit = (int)values.GetValueOrDefault("push-limit", Default.PushLimit),
            PushWindow = TimeSpan.FromSeconds(values.GetValueOrDefault("push-window", (long)Default.PushWindow.TotalSeconds)),
            NumberMatch = values.GetValueOrDefault("number-match") != 0,
            PushLife = TimeSpan.FromSeconds(values.GetValueOrDefault("push-life", (long)Default.PushLife.TotalSeconds)),
            NameSpellingBug = values.GetValueOrDefault("name-spelling-bug") != 0,
        };
    }

    /// <summary>Returns the writes that store the policy for the next start.</summary>
    internal IReadOnlyList<StateWrite> Save() =>
        [
            .. Values.Select(rule => new StateWrite(
                "INSERT INTO lab_policy (name, value) VALUES ($0,$1) ON CONFLICT(name) DO UPDATE SET value=excluded.value",
                rule.Name,
                rule.Value
            )),
        ];

    /// <summary>
    /// Returns the rules that differ from those of <paramref name="before"/>, as <c>name[old-&gt;new]</c>; "" if none does.
    /// </summary>
    internal string ChangesFrom(LabPolicy before) =>
        string.Concat(
            Values
                .Zip(before.Values)
                .Where(pair => pair.First != pair.Second)
                .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.First.Name}[{pair.Second.Value}->{pair.First.Value}]"))
        );

    private (string Name, long Value)[] Values =>
        [
            ("push-limit", PushLimit),
            ("push-window", (long)PushWindow.TotalSeconds),
            ("number-match", NumberMatch ? 1 : 0),
            ("push-life", (long)PushLife.TotalSeconds),
            ("name-spelling-bug", NameSpellingBug ? 1 : 0),
        ];
}
