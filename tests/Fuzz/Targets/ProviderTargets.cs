using System.Security.Cryptography;
using System.Text;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;

namespace Appliance.Tests.Fuzz;

/// <summary>The readers of the providers' doubles and of their clients.</summary>
internal static class ProviderTargets
{
    private const string Audience = "https://127.0.0.1/token";
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new(
            "apns-request",
            "method, target and header lines, an empty line, a payload, with a good provider token where 'T' stands alone: a reply of the table",
            Apns
        )
        {
            AllocationBase = 128 * 1024,
        },
        new("apns-answer", "APNs' error: without a reason when it is none", () => input => ApnsClient.ReadError(input)),
        new("fcm-request", "a message to FCM with a good access token: a reply of the table", Fcm) { AllocationBase = 128 * 1024 },
        new("fcm-device", "whom a message to FCM is for: nobody when it does not say", () => input => FcmDouble.DeviceOf(input)),
        new("fcm-answer", "FCM's error: without a reason when it is none", () => input => FcmClient.CodeOf(input)),
        new("token-answer", "the token endpoint's answer: without a token when it is none", () => input => FcmClient.ReadToken(input)),
        new("assertion", "a service account's assertion: an error of RFC 6749, never a token", Assertion) { AllocationBase = 128 * 1024 },
        new("service-account", "a service account's file: null when it is none", () => input => FcmClient.ReadAccount(input)),
        new(
            "providers-file",
            "a providers file: FormatException names what is wrong",
            () => input => Refused<FormatException>(() => ProviderSettings.Read(input, "/providers.json"))
        ),
    ];

    /// <summary>Does something that may refuse by this exception.</summary>
    internal static void Refused<TRefusal>(Action read)
        where TRefusal : Exception
    {
        try
        {
            read();
        }
        catch (TRefusal)
        {
            // The refusal that is declared.
        }
    }

    private static Action<byte[]> Apns()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var token =
            "bearer "
            + Jwt.Make(
                """{"alg":"ES256","kid":"KEY0000001"}""",
                $$"""{"iss":"TEAM000001","iat":{{Now.ToUnixTimeSeconds()}}}""",
                data => key.SignData(data, HashAlgorithmName.SHA256)
            );
        return input =>
        {
            var rules = new ApnsRules(new ApnsService("TEAM000001", [new ApnsKey("KEY0000001", key)], ["com.example.app"]), Devices.Open());
            var end = input.AsSpan().IndexOf("\n\n"u8);
            var head = Encoding.Latin1.GetString(end < 0 ? input : input.AsSpan(0, end)).Split('\n');
            var headers = head.Skip(2)
                .Select(line => line.Split(": ", 2))
                .Where(pair => pair.Length == 2)
                .Select(pair => (pair[0], pair[0] == "authorization" && pair[1] == "T" ? token : pair[1]));
            var (reply, _) = rules.Decide(
                new ApnsRequest(head[0], head.ElementAtOrDefault(1) ?? "", [.. headers], end < 0 ? default : input.AsMemory(end + 2)),
                new ApnsConnection(),
                "fresh",
                Now
            );
            if (reply.Reason is { } reason ? ApnsRules.Reasons[reason] != reply.Status : reply.Status != 200)
            {
                throw new InvalidOperationException($"{reply}");
            }
        };
    }

    private static Action<byte[]> Fcm()
    {
        var key = RSA.Create(2048);
        var oauth = new OAuthRules(new ServiceAccount("push@lab", "key-1", key), Audience);
        var assertion = Jwt.Make(
            """{"alg":"RS256","kid":"key-1"}""",
            $$"""{"iss":"push@lab","scope":"{{OAuthRules.Scope}}","aud":"{{Audience}}","iat":{{Now.ToUnixTimeSeconds()}},"exp":{{Now.AddHours(1).ToUnixTimeSeconds()}}}""",
            data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        );
        var granted = oauth
            .Decide(new Dictionary<string, string> { ["grant_type"] = OAuthRules.GrantType, ["assertion"] = assertion }, "access", Now)
            .AccessToken;
        return input =>
        {
            var rules = new FcmRules(new FcmProject("lab", "42"), oauth, Devices.Open());
            var (reply, _) = rules.Decide(new FcmRequest("POST", "/v1/projects/lab/messages:send", "Bearer " + granted, input), Now);
            if (reply.ErrorCode is { } code ? FcmRules.Errors[code] != (reply.Http, reply.Status!) : reply.Http != 200)
            {
                throw new InvalidOperationException($"{reply}");
            }
        };
    }

    private static Action<byte[]> Assertion()
    {
        var oauth = new OAuthRules(new ServiceAccount("push@lab", "key-1", RSA.Create(2048)), Audience);
        return input =>
        {
            // The parts between the dots are encoded here, because coverage would not discover base64 by itself.
            var parts = Encoding.UTF8.GetString(input).Split('\n');
            var text = string.Join('.', parts.Select(part => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part))));
            foreach (var given in new[] { text, Encoding.UTF8.GetString(input) })
            {
                if (
                    oauth
                        .Decide(
                            new Dictionary<string, string> { ["grant_type"] = OAuthRules.GrantType, ["assertion"] = given },
                            "access",
                            Now
                        )
                        .AccessToken
                    is not null
                )
                {
                    throw new InvalidOperationException("a token for what nobody signed");
                }
            }
        };
    }
}
