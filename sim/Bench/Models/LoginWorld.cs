using System.Net;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Validation;
using OtpNet;

namespace Appliance.Bench.Models;

/// <summary>A token of the model, with codes by Otp.NET: another implementation than the core's.</summary>
internal sealed record ModelToken(string Serial, byte[] Secret, int Period, int Digits, OtpHashMode Algorithm)
{
    private readonly Totp _totp = new(Secret, Period, Algorithm, Digits);

    internal long StepAt(DateTimeOffset at) => at.ToUnixTimeSeconds() / Period;

    internal string CodeOf(long step) => _totp.ComputeTotp(DateTimeOffset.FromUnixTimeSeconds(step * Period).UtcDateTime);
}

/// <summary>A user that logs in by an access method with a token; null: with a code by e-mail.</summary>
internal sealed record ModelPerson(string Name, LoginKind Kind, ModelToken? Token);

/// <summary>
/// The users, tokens and rules of the model. Two users of different access methods share a token, so that a code could pass twice.
/// </summary>
internal sealed class LoginWorld
{
    private static readonly ModelToken[] AllTokens =
    [
        new("FTKMOB00000000A1", "model-seed-of-a-0001"u8.ToArray(), 60, 6, OtpHashMode.Sha1),
        new("FTKMOB00000000B2", "model-seed-of-b-0002-with-32-byt"u8.ToArray(), 30, 8, OtpHashMode.Sha256),
        new("FTK2000000000C3", "model-seed-of-c-0003"u8.ToArray(), 60, 6, OtpHashMode.Sha512),
    ];

    private static readonly string[] TokenUsers = ["una", "ugo", "uwe"];

    /// <summary>The source addresses of the users.</summary>
    internal static readonly IPAddress[] Sources =
    [
        IPAddress.Parse("192.0.2.1"),
        IPAddress.Parse("192.0.2.2"),
        IPAddress.Parse("198.51.100.9"),
    ];

    internal static readonly IReadOnlyList<ModelPerson> People =
    [
        new("una", LoginKind.SslVpn, AllTokens[0]),
        new("ugo", LoginKind.SslVpn, AllTokens[1]),
        new("uwe", LoginKind.SslVpn, AllTokens[2]),
        new("una", LoginKind.Radius, AllTokens[0]),
        new("adm", LoginKind.Admin, AllTokens[0]),
        new("eva", LoginKind.SslVpn, null),
    ];

    /// <summary>The users of a remote server: <c>rita</c> is also configured here, <c>rex</c> is not.</summary>
    internal static readonly string[] RemoteUsers = ["rita", "rex"];

    /// <summary>The group of both.</summary>
    internal const string RemoteGroup = "remote";

    private readonly LoginRules[] _variants;
    private readonly HashSet<string>[] _shutOut;
    private int _variant;

    private LoginWorld(LoginRules[] variants, HashSet<string>[] shutOut) => (_variants, _shutOut) = (variants, shutOut);

    internal static IReadOnlyList<ModelToken> Tokens => AllTokens;

    internal LoginRules Rules => _variants[_variant];

    internal bool MayLogIn(ModelPerson person) => !_shutOut[_variant].Contains(person.Name);

    /// <summary>True while the configuration has a remote server for them.</summary>
    internal bool MayLogInRemotely => !_shutOut[_variant].Contains(RemoteGroup);

    internal void Change(Random random) => _variant = random.Next(_variants.Length);

    /// <summary>Creates a separate world for each run, because a run changes it.</summary>
    internal LoginWorld Fresh() => new(_variants, _shutOut);

    /// <summary>Reads the rules from configuration, as the unit does.</summary>
    internal static LoginWorld Make()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-model-");
        try
        {
            var key = DeviceKey.Open(Path.Combine(folder.FullName, "device.key"));
            var schema = ConfigSchema.Load(Personality.Default);
            string[] changes =
            [
                "",
                "config user local\nedit una\nset status disable\nnext\nend\n",
                "config user local\nedit ugo\nset two-factor disable\nunset fortitoken\nnext\nend\n",
                "config user fortitoken\nedit FTK2000000000C3\nset status lock\nnext\nend\n",
                "config user local\nedit rita\nset status disable\nnext\nend\n"
                    + "config user group\nedit others\nset member una\nnext\nend\n"
                    + "config vpn ssl settings\nconfig authentication-rule\nedit 1\nset groups others\nnext\nend\nend\n",
            ];
            return new LoginWorld(
                [
                    .. changes.Select(
                        (change, at) =>
                            LoginRules.From(
                                ConfigStore
                                    .Open(
                                        schema,
                                        Path.Combine(folder.FullName, $"{at}.conf"),
                                        key,
                                        Configuration() + change,
                                        ConfigRules.Values
                                    )
                                    .Current
                            )
                    ),
                ],
                [
                    [],
                    ["una"],
                    ["ugo"],
                    ["uwe"],
                    [RemoteGroup],
                ]
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Configuration() =>
        $"""
            config user radius
            edit rad
            set server 192.0.2.77
            set secret s
            next
            end
            config user fortitoken
            {string.Concat(AllTokens.Select(token => $"edit {token.Serial}\nset seed \"{SeedOf(token)}\"\nset reg-id phone\nnext\n"))}
            end
            config user local
            {string.Concat(TokenUsers.Zip(AllTokens, UserOf))}
            edit rita
            set type radius
            set radius-server rad
            next
            edit eva
            set type password
            set passwd eva-password
            set two-factor email
            set email-to eva@example.test
            next
            end
            config system admin
            edit adm
            set accprofile super_admin
            set password adm-password
            set two-factor fortitoken
            set fortitoken {AllTokens[0].Serial}
            next
            end
            config user group
            edit {RemoteGroup}
            set member rad
            config match
            edit 1
            set server-name rad
            set group-name staff
            next
            end
            next
            end
            config vpn ssl web portal
            edit p
            set web-mode enable
            next
            end
            config vpn ssl settings
            set default-portal p
            set login-attempt-limit 0
            config authentication-rule
            edit 1
            set groups {RemoteGroup}
            set portal p
            next
            end
            end
            config system global
            set admin-lockout-threshold 10
            set admin-lockout-duration 1
            end

            """;

    private static string SeedOf(ModelToken token) =>
        $"otpauth://totp/x?secret={Base32Encoding.ToString(token.Secret)}&period={token.Period}&digits={token.Digits}"
        + $"&algorithm={token.Algorithm.ToString().ToUpperInvariant()}";

    private static string UserOf(string name, ModelToken token) =>
        $"edit {name}\nset type password\nset passwd {name}-password\nset two-factor fortitoken\nset fortitoken {token.Serial}\nnext\n";
}
