using System.Globalization;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login;

/// <summary>
/// Rules that the device does not have and a lab may want; all off by default. They are no attributes of the vendor's tables, so
/// that no configuration ever holds them: the lab API sets them (<c>PUT /lab/policy</c>), and the state database keeps them.
/// </summary>
public sealed record LabPolicy
{
    /// <summary>The table of what differs from the default.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS lab_policy (name TEXT PRIMARY KEY, value INTEGER NOT NULL)";

    /// <summary>Nothing on.</summary>
    public static readonly LabPolicy Default = new();

    /// <summary>Unanswered pushes that a user may have within <see cref="PushWindow"/>: after them only a code lets in. 0: no limit. At most 100.</summary>
    public int PushLimit { get; init; }

    /// <summary>Over how long <see cref="PushLimit"/> counts.</summary>
    public TimeSpan PushWindow { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Two digits shown at login must be typed on the phone.</summary>
    public bool NumberMatch { get; init; }

    /// <summary>How long a push lives (the device's own figure is *assumed*: its debug output shows <c>timeout = 60</c>).</summary>
    public TimeSpan PushLife { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The bug of CVE-2020-12812: a spelling of a name that is not exactly that of a local user goes on to the remote servers of
    /// the groups as if there were no such user, and so past his second factor.
    /// </summary>
    public bool NameSpellingBug { get; init; }

    /// <summary>Reads what the database remembers. For start-up only.</summary>
    public static LabPolicy Load(StateDatabase state)
    {
        var values = state.Read("SELECT name, value FROM lab_policy", row => (row.GetString(0), row.GetInt64(1))).ToDictionary(row => row.Item1, row => row.Item2, StringComparer.Ordinal);
        return new LabPolicy
        {
            PushLimit = (int)values.GetValueOrDefault("push-limit", Default.PushLimit),
            PushWindow = TimeSpan.FromSeconds(values.GetValueOrDefault("push-window", (long)Default.PushWindow.TotalSeconds)),
            NumberMatch = values.GetValueOrDefault("number-match") != 0,
            PushLife = TimeSpan.FromSeconds(values.GetValueOrDefault("push-life", (long)Default.PushLife.TotalSeconds)),
            NameSpellingBug = values.GetValueOrDefault("name-spelling-bug") != 0,
        };
    }

    /// <summary>The writes that make it what the next start reads.</summary>
    internal IReadOnlyList<StateWrite> Save() =>
        [.. Values.Select(rule => new StateWrite("INSERT INTO lab_policy (name, value) VALUES ($0,$1) ON CONFLICT(name) DO UPDATE SET value=excluded.value", rule.Name, rule.Value))];

    /// <summary>The rules that differ from those of <paramref name="before"/>, as <c>name[old-&gt;new]</c>; "" when none does.</summary>
    internal string ChangesFrom(LabPolicy before) => string.Concat(Values.Zip(before.Values).Where(pair => pair.First != pair.Second)
        .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.First.Name}[{pair.Second.Value}->{pair.First.Value}]")));

    private (string Name, long Value)[] Values =>
    [
        ("push-limit", PushLimit), ("push-window", (long)PushWindow.TotalSeconds), ("number-match", NumberMatch ? 1 : 0),
        ("push-life", (long)PushLife.TotalSeconds), ("name-spelling-bug", NameSpellingBug ? 1 : 0),
    ];
}
