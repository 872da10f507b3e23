using System.Collections.Immutable;
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

/// <summary>The users, tokens and groups of one configuration. Immutable.</summary>
public sealed class UserDirectory
{
    private static readonly byte[] NoPassword = RandomNumberGenerator.GetBytes(32);
    private readonly Dictionary<string, LocalUser> _users = new(StringComparer.Ordinal);

    /// <summary>Reads them from a configuration.</summary>
    public UserDirectory(ConfigTree config)
    {
        var groups = config.List("user group").Entries
            .SelectMany(group => group.Entry.Words("member").Select(member => (Member: member, Group: group.Key)))
            .ToLookup(pair => pair.Member, pair => pair.Group, StringComparer.Ordinal);
        var tokens = config.List("user fortitoken");
        foreach (var (name, entry) in config.List("user local").Entries)
        {
            var serial = entry.Text("fortitoken");
            var token = entry.Text("two-factor") == "fortitoken" && tokens.Find(serial) is { } found ? Token.From(serial, found) : null;
            _users[name] = new LocalUser(
                name,
                entry.Text("type") == "password" && entry.Text("passwd") is { Length: > 0 } password ? Encoding.UTF8.GetBytes(password) : null,
                entry.Enabled("status"), entry.Text("two-factor") is not ("disable" or ""), token, [.. groups[name]]);
        }
    }

    /// <summary>The user of exactly this name, or null.</summary>
    public LocalUser? Find(string name) => _users.GetValueOrDefault(name);

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
}
