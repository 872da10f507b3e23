using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>What an account must give beside its password.</summary>
public abstract record SecondFactor
{
    private SecondFactor() { }

    /// <summary>Nothing.</summary>
    public sealed record None : SecondFactor;

    /// <summary>The code of a token, or the approval of its phone.</summary>
    public sealed record OfToken(Token Token, TokenSeed Seed) : SecondFactor;

    /// <summary>A code that is sent when it is needed.</summary>
    public sealed record OfCode(CodeDestination To) : SecondFactor;

    /// <summary>FortiToken Cloud, which is not licensed: refused.</summary>
    public sealed record OfCloud : SecondFactor;

    /// <summary>One that nothing can satisfy: refused.</summary>
    /// <param name="Why">For the log and the operator.</param>
    public sealed record Unusable(string Why) : SecondFactor;
}

/// <summary>A server that knows passwords which this unit does not.</summary>
/// <param name="Type">The word of <c>user local type</c>: <c>radius</c>, <c>ldap</c>, <c>tacacs+</c>, <c>saml</c>.</param>
/// <param name="Name">Its entry; "" when the account names none.</param>
public sealed record RemoteServer(string Type, string Name);

/// <summary>Somebody who may log in, as the login core needs him.</summary>
/// <param name="Name">The name, exactly as configured.</param>
/// <param name="Password">The password; null when it is not kept here, which never matches.</param>
/// <param name="Remote">Who is asked for the password; null when it is kept here.</param>
/// <param name="Enabled">False: every login is refused.</param>
/// <param name="Factor">What is demanded beside the password.</param>
/// <param name="Groups">The groups that hold the account.</param>
public sealed record Account(string Name, byte[]? Password, RemoteServer? Remote, bool Enabled, SecondFactor Factor, ImmutableArray<string> Groups)
{
    private static readonly byte[] NoPassword = RandomNumberGenerator.GetBytes(32);

    /// <summary>Networks from which alone the account may log in; empty: from everywhere.</summary>
    public IReadOnlyList<IPNetwork> Networks { get; init; } = [];

    /// <summary>The entry that it was read from; null for one that has none.</summary>
    public ConfigObject? Entry { get; init; }

    /// <summary>A user that is not configured here, but whom the remote server of a group may have.</summary>
    internal static Account OfServer(string name, RemoteServer server, string group) => new(name, Password: null, server, Enabled: true, new SecondFactor.None(), [group]);

    /// <summary>True when a second factor is demanded.</summary>
    public bool HasSecondFactor => Factor is not SecondFactor.None;

    /// <summary>The token, when it is a token that is demanded and it can be asked.</summary>
    public Token? Token => (Factor as SecondFactor.OfToken)?.Token;

    /// <summary>True when the account may log in from there. The console has no address, and no trusted host keeps anybody from it.</summary>
    public bool Trusts(IPAddress source) => source.Equals(IPAddress.None) || TrustedHosts.Allows(Networks, source);

    /// <summary>
    /// True when there is such an account and this is its password, kept here. No account costs the same comparison as one, on
    /// digests of one length, so that time tells nothing.
    /// </summary>
    public static bool IsPassword(Account? account, string password)
    {
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(password), given);
        SHA256.HashData(account?.Password ?? NoPassword, expected);
        return CryptographicOperations.FixedTimeEquals(given, expected) && account is { Password: not null };
    }

    /// <summary>Says nothing of the password.</summary>
    public override string ToString() => Name;
}

/// <summary>What a typed name means.</summary>
/// <param name="Account">The account; null when it is nobody's.</param>
/// <param name="AlikeName">With no account: one whose name some directory might take for the typed one, or the typed name itself when that cannot be told; null when there is none.</param>
public readonly record struct NameMatch(Account? Account, string? AlikeName);

/// <summary>The accounts of one way in, at one moment of the configuration. Immutable.</summary>
public interface IAccountDirectory
{
    /// <summary>The account of exactly this configured name, or null.</summary>
    Account? Find(string name);

    /// <summary>The account that a typed name means. What it costs does not tell whether there is one.</summary>
    NameMatch Resolve(string typed);
}
