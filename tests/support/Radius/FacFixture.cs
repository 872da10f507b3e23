using System.Net;
using System.Text;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware.Radius;
using OtpNet;

namespace Appliance.Tests.Radius;

/// <summary>The common parts of the emulator's tests: its settings, codes of the lab's tokens, and a client's packets.</summary>
internal static class FacFixture
{
    public const string SecretText = "testing123";

    public static readonly RadiusSecret Secret = new(SecretText);

    public static string Json(
        string address,
        string policy = "code-or-empty",
        bool requireMessageAuthenticator = true,
        string? clientCa = null
    ) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "boards", "desktop", "fac.json"))
            .Replace("127.0.1.10", address, StringComparison.Ordinal)
            .Replace("\"127.0.0.0/8\"", "\"0.0.0.0/0\"", StringComparison.Ordinal)
            .Replace(
                "\"radSecPort\": 2083",
                "\"radSecPort\": 2083" + (clientCa is null ? "" : $", \"radSecClientCa\": \"{clientCa}\""),
                StringComparison.Ordinal
            )
            .Replace("code-or-empty", policy, StringComparison.Ordinal)
            .Replace(
                "\"requireMessageAuthenticator\": true",
                $"\"requireMessageAuthenticator\": {(requireMessageAuthenticator ? "true" : "false")}",
                StringComparison.Ordinal
            );

    public static FacSettings Settings(
        string address = "10.0.0.10",
        string policy = "code-or-empty",
        bool requireMessageAuthenticator = true
    ) => FacSettings.Parse(Encoding.UTF8.GetBytes(Json(address, policy, requireMessageAuthenticator)));

    public static string Code(string user, DateTimeOffset at)
    {
        var number = user switch
        {
            "ann" => 1,
            "cat" => 2,
            _ => 3,
        };
        return new Totp(Encoding.ASCII.GetBytes($"lab-seed-of-{user}-000{number}"), 60, OtpHashMode.Sha1, 6).ComputeTotp(at.UtcDateTime);
    }

    /// <summary>An Access-Request with PAP.</summary>
    public static byte[] Request(
        byte identifier,
        byte[] authenticator,
        string user,
        string password,
        string? state = null,
        bool sign = true,
        params string[] more
    ) =>
        PacketScript.Encode(
            $"Access-Request {identifier} {Convert.ToHexString(authenticator)} {(sign ? "Message-Authenticator " : "")}User-Name=\"{user}\" User-Password=\"{password}\" NAS-Identifier=\"test\"{(state is null ? "" : $" State=0x{Convert.ToHexString(Encoding.ASCII.GetBytes(state))}")}{string.Concat(more.Select(one => " " + one))}",
            Secret
        );

    /// <summary>Code and text of a reply that is right in every respect; the State of a challenge.</summary>
    public static (RadiusCode Code, string Text, string State) Read(byte[] reply, byte[] requestAuthenticator)
    {
        if (
            RadiusPacket.Parse(reply, out var packet) != RadiusDefect.None
            || !Secret.IsAnswer(packet, requestAuthenticator)
            || !Secret.IsSigned(packet, requestAuthenticator)
            || packet.MessageAuthenticatorOffset() != 22
        )
        {
            throw new InvalidOperationException("not a genuine reply with its Message-Authenticator first");
        }
        return (
            packet.Code,
            RadiusText.Format(packet),
            packet.TryGet(RadiusAttribute.State, out var state) ? Encoding.ASCII.GetString(state) : ""
        );
    }
}
