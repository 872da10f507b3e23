using System.Collections.Immutable;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Tokens;

/// <summary>The owner of a token: an entry of <c>user local</c> or <c>system admin</c>.</summary>
/// <param name="Table">The path of the table.</param>
/// <param name="Name">The key of the entry.</param>
/// <param name="Entry">The entry itself, which has the addresses for e-mail and text messages.</param>
public sealed record TokenOwner(string Table, string Name, ConfigObject Entry)
{
    /// <summary>Table and name as one string, for the state database.</summary>
    public string Id => $"{Table} {Name}";
}

/// <summary>The configuration of one token.</summary>
/// <param name="Serial">The serial number.</param>
/// <param name="Locked"><c>status lock</c>.</param>
/// <param name="Seed">The seed as configured; "" for none.</param>
/// <param name="Owner">The owner; null if the token is not assigned.</param>
public sealed record TokenEntry(string Serial, bool Locked, string Seed, TokenOwner? Owner)
{
    private const string MobilePrefix = "FTKMOB";
    private const string MadeMark = "&made=activation";
    private const int MadeSecretLength = 20;

    /// <summary>The tables whose entries can have a token.</summary>
    private static readonly ImmutableArray<string> OwnerTables = ["user local", "system admin"];

    /// <summary>Returns the serial number only, never the seed.</summary>
    public override string ToString() => Serial;

    /// <summary>True for a token in an app, which is activated by a code.</summary>
    public bool Mobile => IsMobile(Serial);

    /// <summary>
    /// True if the seed was generated when a phone activated the token. It belongs to that phone and owner and is never passed on.
    /// </summary>
    public bool SeedMade => Seed.EndsWith(MadeMark, StringComparison.Ordinal);

    /// <summary>True for the serial number of a token in an app.</summary>
    public static bool IsMobile(string serial) => serial.StartsWith(MobilePrefix, StringComparison.Ordinal);

    /// <summary>
    /// Formats the seed that an activation generates: 20 bytes, SHA-1, six digits, and a new code every 30 s as the vendor documents for
    /// its app. The mark at its end is kept in every backup.
    /// </summary>
    /// <param name="serial">The token.</param>
    /// <param name="secret">20 random bytes.</param>
    public static string MakeSeed(string serial, ReadOnlySpan<byte> secret) =>
        secret.Length == MadeSecretLength
            ? $"otpauth://totp/{serial}?secret={OtpNet.Base32Encoding.ToString(secret.ToArray())}&period=30&digits=6{MadeMark}"
            : throw new ArgumentException("a seed has 20 bytes", nameof(secret));

    /// <summary>Returns every token of a configuration, in order.</summary>
    public static IReadOnlyList<TokenEntry> All(ConfigTree config)
    {
        var owners = Owners(config);
        return
        [
            .. config
                .List("user fortitoken")
                .Entries.Select(token => new TokenEntry(
                    token.Key,
                    token.Entry.Text("status") == "lock",
                    token.Entry.Text("seed"),
                    owners.GetValueOrDefault(token.Key)
                )),
        ];
    }

    /// <summary>Returns one token of a configuration, or null.</summary>
    public static TokenEntry? Find(ConfigTree config, string serial) => All(config).FirstOrDefault(token => token.Serial == serial);

    /// <summary>True if nothing that affects tokens differs, so that no token needs an update.</summary>
    /// <remarks>Compares only changed objects: a commit of one entry costs the same however many entries there are.</remarks>
    public static bool Unchanged(ConfigTree previous, ConfigTree next) =>
        ReferenceEquals(previous.List("user fortitoken"), next.List("user fortitoken"))
        && OwnerTables
            .Where(table => next.Schema.Table(table) is not null)
            .SelectMany(table => ConfigTable.Changes(previous.List(table), next.List(table)))
            .All(change => SerialOf(change.Before) == SerialOf(change.After));

    /// <summary>
    /// Returns the error of a configuration that gives a token two owners; null if there is none. One owner for each token is *assumed*, as
    /// are code and words.
    /// </summary>
    public static ConfigError? CheckOwners(ConfigChange change)
    {
        if (Unchanged(change.Previous, change.Next))
        {
            return null;
        }
        if (
            Assignments(change.Next)
                .GroupBy(pair => pair.Serial, pair => pair.Owner, StringComparer.Ordinal)
                .FirstOrDefault(owners => owners.Skip(1).Any())
            is not { } twice
        )
        {
            return null;
        }
        var before = Owners(change.Previous).GetValueOrDefault(twice.Key)?.Id;
        var owner = twice.FirstOrDefault(one => one.Id == before) ?? twice.First();
        var other = twice.First(one => one.Id != owner.Id);
        return new ConfigError(
            -5,
            $"FortiToken {twice.Key} is already assigned to {owner.Name}, {other.Name} cannot have it",
            "object check operator error, -5, discard the setting"
        );
    }

    /// <summary>
    /// Removes a token from the phone when it leaves its owner. The same commit removes a generated seed and the phone's registration, so
    /// the next owner starts afresh. A renamed owner keeps everything.
    /// </summary>
    public static ConfigTree Release(ConfigTree previous, ConfigTree next)
    {
        if (Unchanged(previous, next))
        {
            return next;
        }
        var (before, after) = (Owners(previous), Owners(next));
        var tokens = next.List("user fortitoken");
        foreach (var (serial, owner) in before)
        {
            if (
                tokens.Find(serial) is { } entry
                && new TokenEntry(serial, false, entry.Text("seed"), null).SeedMade
                && after.GetValueOrDefault(serial) is var now
                && now?.Id != owner.Id
                && !ReferenceEquals(now?.Entry, owner.Entry)
            )
            {
                tokens = tokens.With(serial, entry.Without("seed").Without("reg-id").Without("os-ver"));
            }
        }
        return ReferenceEquals(tokens, next.List("user fortitoken")) ? next : next.With("user fortitoken", tokens);
    }

    private static Dictionary<string, TokenOwner> Owners(ConfigTree config)
    {
        var owners = new Dictionary<string, TokenOwner>(StringComparer.Ordinal);
        foreach (var (serial, owner) in Assignments(config))
        {
            owners.TryAdd(serial, owner);
        }
        return owners;
    }

    private static IEnumerable<(string Serial, TokenOwner Owner)> Assignments(ConfigTree config) =>
        from table in OwnerTables
        where config.Schema.Table(table)?.Attribute("fortitoken") is not null
        from user in config.List(table).Entries
        let serial = SerialOf(user.Entry)
        where serial.Length > 0
        select (serial, new TokenOwner(table, user.Key, user.Entry));

    /// <summary>Returns the serial number of an entry's token; "" for none.</summary>
    private static string SerialOf(ConfigObject? user) =>
        user?.Schema.Attribute("fortitoken") is not null && user.Text("two-factor") == "fortitoken" ? user.Text("fortitoken") : "";
}
