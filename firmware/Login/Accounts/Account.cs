using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login.Accounts;

/// <summary>The second factor that an account requires in addition to its password.</summary>
public abstract record RequiredFactor
{
    private RequiredFactor() { }

    /// <summary>No second factor.</summary>
    public sealed record None : RequiredFactor;

    /// <summary>A token's code, or an approval on its phone.</summary>
    public sealed record OfToken(Token Token, TokenSeed Seed) : RequiredFactor;

    /// <summary>A one-time code that is sent by e-mail or SMS when it is needed.</summary>
    public sealed record OfCode(CodeDestination To) : RequiredFactor;

    /// <summary>FortiToken Cloud. It is not licensed, so the login is refused.</summary>
    public sealed record OfCloud : RequiredFactor;

    /// <summary>A second factor that cannot be satisfied, so every login is refused.</summary>
    /// <param name="Why">The reason, for the log and the operator.</param>
    public sealed record Unusable(string Why) : RequiredFactor;
}

/// <summary>A remote server that verifies passwords which this unit does not store.</summary>
/// <param name="Type">The word of <c>user local type</c>: <c>radius</c>, <c>ldap</c>, <c>tacacs+</c>, <c>saml</c>.</param>
/// <param name="Name">The server's configuration entry; "" if the account names none.</param>
public sealed record RemoteServer(string Type, string Name);

/// <summary>A user or administrator account as the login core sees it.</summary>
/// <param name="Name">The name exactly as configured.</param>
/// <param name="Password">The password; null if it is not stored here, in which case no password matches.</param>
/// <param name="Remote">The remote server that verifies the password; null if the password is stored here.</param>
/// <param name="Enabled">False refuses every login.</param>
/// <param name="Factor">The second factor that is required in addition to the password.</param>
/// <param name="Groups">The groups that the account is a member of.</param>
public sealed record Account(
    string Name,
    byte[]? Password,
    RemoteServer? Remote,
    bool Enabled,
    RequiredFactor Factor,
    ImmutableArray<string> Groups
)
{
    private static readonly byte[] NoPassword = RandomNumberGenerator.GetBytes(32);

    /// <summary>The only networks from which the account may log in; empty allows every source.</summary>
    public IReadOnlyList<IPNetwork> Networks { get; init; } = [];

    /// <summary>The configuration entry that the account was read from; null if it has none.</summary>
    public ConfigObject? Entry { get; init; }

    /// <summary>True if a second factor is required.</summary>
    public bool HasSecondFactor => Factor is not RequiredFactor.None;

    /// <summary>The token, if the second factor is a usable token; otherwise null.</summary>
    public Token? Token => (Factor as RequiredFactor.OfToken)?.Token;

    /// <summary>
    /// True if the account may log in from this source. The console has no address, and trusted hosts do not restrict it.
    /// </summary>
    public bool Trusts(IPAddress source) => source.Equals(IPAddress.None) || TrustedHosts.Allows(Networks, source);

    /// <summary>
    /// Returns true if the account exists and this is its locally stored password. A missing account costs the same comparison as an
    /// existing one, on digests of equal length, so that timing reveals nothing.
    /// </summary>
    public static bool IsPassword(Account? account, string password)
    {
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(password), given);
        SHA256.HashData(account?.Password ?? NoPassword, expected);
        return CryptographicOperations.FixedTimeEquals(given, expected) && account is { Password: not null };
    }

    /// <summary>Returns the name only, never the password.</summary>
    public override string ToString() => Name;

    /// <summary>Creates the account of a user that is not configured here but may exist on the remote server of a group.</summary>
    internal static Account OfServer(string name, RemoteServer server, string group) =>
        new(name, Password: null, server, Enabled: true, new RequiredFactor.None(), [group]);
}

/// <summary>The result of resolving a typed name.</summary>
/// <param name="Account">The account; null if no account has this name.</param>
/// <param name="AlikeName">If there is no account: the name of an account that some directory might take for the typed name, or the typed
/// name itself if this cannot be determined. Null if there is none.</param>
public readonly record struct NameMatch(Account? Account, string? AlikeName);

/// <summary>The accounts of one access method, in one version of the configuration. Immutable.</summary>
public interface IAccountDirectory
{
    /// <summary>Returns the account with exactly this configured name, or null.</summary>
    Account? Find(string name);

    /// <summary>Resolves a typed name to an account. The time that it takes does not reveal whether the account exists.</summary>
    NameMatch Resolve(string typed);
}
