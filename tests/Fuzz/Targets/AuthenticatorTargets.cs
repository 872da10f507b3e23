using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;

namespace Appliance.Tests.Fuzz;

/// <summary>The readers of the FortiAuthenticator emulator.</summary>
internal static class AuthenticatorTargets
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new(
            "fac-file",
            "a fac.json: FormatException names what is wrong",
            () => input => ProviderTargets.Refused<FormatException>(() => FacSettings.Parse(input))
        ),
        new("fac-call", "the body of a REST call: null for what is none", () => input => FacCall.Read(input)),
        new("fac-radius", "a datagram to the emulator, signed if it is a packet: dropped or answered, never accepted", Radius)
        {
            LengthMax = RadiusPacket.LengthMax,
            AllocationBase = 256 * 1024,
        },
    ];

    private static Action<byte[]> Radius()
    {
        var settings = FacSettings.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "boards", "desktop", "fac.json")));
        var secret = settings.Clients[0].Secret;
        var source = IPEndPoint.Parse("127.0.0.1:40000");
        FacRadius? wire = null;
        var served = 0;
        return input =>
        {
            if (served++ % 100 == 0)
            {
                wire = new FacRadius(
                    settings,
                    new FacCore(settings, new TokenCore(), "127.0.1.10", () => 8443, RandomNumberGenerator.Fill)
                );
            }
            foreach (var way in Enum.GetValues<FacWay>())
            {
                wire!.Receive(input, source, way, Now);
                if (RadiusPacket.Parse(input, out var packet) != RadiusDefect.None)
                {
                    continue;
                }
                // With a valid signature, because the attributes are read only then.
                var signed = packet.Bytes.ToArray();
                if (packet.MessageAuthenticatorOffset() is > 0 and var offset)
                {
                    signed.AsSpan(offset, 16).Clear();
                    var mac = new byte[16];
                    secret.Sign(signed, mac);
                    mac.CopyTo(signed.AsSpan(offset));
                }
                var step = wire.Receive(signed, source, way, Now);
                // Status-Server is answered by an Access-Accept too (RFC 5997, 3).
                if (
                    packet.Code == RadiusCode.AccessRequest
                    && step.Replies.Any(reply => reply.Packet[0] == (byte)RadiusCode.AccessAccept)
                    && !Encoding.Latin1.GetString(input).Contains("bob", StringComparison.Ordinal)
                )
                {
                    throw new InvalidOperationException("somebody with a token was let in without a code");
                }
            }
        };
    }
}
