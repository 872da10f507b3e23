using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>A local user, as the login core needs it.</summary>
/// <param name="Name">The name, exactly as configured: another spelling is another user.</param>
/// <param name="Password">The password; null when this user has none here (remote types), which never matches.</param>
/// <param name="Enabled">False: every login is refused.</param>
/// <param name="SecondFactor">True when a second factor is demanded.</param>
/// <param name="Token">The token to be asked; null with <paramref name="SecondFactor"/> means that nothing can satisfy it: deny.</param>
/// <param name="Groups">The groups that hold the user.</param>
public sealed record LocalUser(string Name, byte[]? Password, bool Enabled, bool SecondFactor, Token? Token, ImmutableArray<string> Groups);

/// <summary>
/// The users, tokens and groups of one configuration. Immutable, and made at no cost: a user is read when he is asked for; what takes
/// work is kept with the entry or table that it comes from, and so outlives every commit that does not touch that.
/// </summary>
public sealed class UserDirectory(ConfigTree config)
{
    private static readonly byte[] NoPassword = RandomNumberGenerator.GetBytes(32);
    private static readonly ConditionalWeakTable<ConfigTable, ILookup<string, string>> GroupsOfMembers = [];
    private static readonly ConditionalWeakTable<ConfigObject, Token> Tokens = [];
    private readonly ConfigTable _users = config.List("user local");
    private readonly ConfigTable _tokens = config.List("user fortitoken");
    private readonly ConfigTable _groups = config.List("user group");

    /// <summary>The user of exactly this name, or null.</summary>
    public LocalUser? Find(string name)
    {
        // Before anything that depends on the name: what it costs must not tell whether there is such a user.
        var groups = GroupsOfMembers.GetValue(_groups, Invert);
        if (_users.Find(name) is not { } entry)
        {
            return null;
        }
        var serial = entry.Text("fortitoken");
        var token = entry.Text("two-factor") == "fortitoken" && _tokens.Find(serial) is { } found ? Tokens.GetValue(found, token => Token.From(serial, token)) : null;
        return new LocalUser(
            name,
            entry.Text("type") == "password" && entry.Text("passwd") is { Length: > 0 } password ? Encoding.UTF8.GetBytes(password) : null,
            entry.Enabled("status"), entry.Text("two-factor") is not ("disable" or ""), token, [.. groups[name]]);
    }

    /// <summary>
    /// The user when the password is right, else null. An unknown user costs the same comparison as a known one, on digests of one
    /// length, so that time tells nothing.
    /// </summary>
    public LocalUser? CheckPassword(string name, string password)
    {
        var user = Find(name);
        Span<byte> given = stackalloc byte[32];
        Span<byte> expected = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(password), given);
        SHA256.HashData(user?.Password ?? NoPassword, expected);
        var same = CryptographicOperations.FixedTimeEquals(given, expected);
        return same && user is { Password: not null, Enabled: true } ? user : null;
    }

    private static ILookup<string, string> Invert(ConfigTable groups) => groups.Entries
        .SelectMany(group => group.Entry.Words("member").Select(member => (Member: member, Group: group.Key)))
        .ToLookup(pair => pair.Member, pair => pair.Group, StringComparer.Ordinal);
}
