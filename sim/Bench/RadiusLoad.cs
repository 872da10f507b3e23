using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Radius;

namespace Appliance.Bench;

/// <summary>The result of a load on a server.</summary>
internal readonly record struct RadiusLoadResult(long Accepted, long Other, long Lost, TimeSpan Took);

/// <summary>
/// A generator of PAP Access-Requests on one socket and one thread, with a number of outstanding requests. Packets are built in advance,
/// no two with
/// the same identifier and authenticator near each other, so that it costs less than any server. Each answer must belong to an outstanding
/// request; one in 256 is checked to its last byte.
/// </summary>
internal sealed class RadiusLoad : IDisposable
{
    private const int Identifiers = 256;
    private const int Variants = 32;
    private const int Outstanding = 64;
    private const int Patience = 1000;

    private readonly UdpClient _client = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly RadiusSecret _secret;
    private readonly byte[][] _requests = new byte[Identifiers * Variants][];
    private readonly long[] _sent = new long[Identifiers];

    public RadiusLoad(RadiusSecret secret, IReadOnlyList<(string Name, string Password, string Group)> users)
    {
        _secret = secret;
        var random = new Random(1);
        Span<byte> buffer = new byte[RadiusPacket.LengthMax];
        Span<byte> authenticator = stackalloc byte[RadiusPacket.AuthenticatorLength];
        Span<byte> hidden = stackalloc byte[RadiusSecret.PasswordMax];
        for (var number = 0; number < _requests.Length; number++)
        {
            var (name, password, _) = users[random.Next(users.Count)];
            random.NextBytes(authenticator);
            var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, (byte)number, authenticator, sign: true);
            writer.Add(RadiusAttribute.UserName, name);
            writer.Add(
                RadiusAttribute.UserPassword,
                hidden[..secret.HidePassword(Encoding.UTF8.GetBytes(password), authenticator, hidden)]
            );
            writer.Add(RadiusAttribute.NasIdentifier, "load");
            _requests[number] = buffer[..writer.EndRequest(secret)].ToArray();
        }
    }

    /// <summary>Loads a server for a while.</summary>
    public RadiusLoadResult Run(IPEndPoint server, TimeSpan time, CancellationToken cancellationToken)
    {
        var socket = _client.Client;
        socket.Connect(server);
        socket.ReceiveTimeout = Patience;
        Array.Fill(_sent, -1);
        var (began, next, accepted, other, lost) = (LabClock.Wall.GetTimestamp(), 0L, 0L, 0L, 0L);
        var answer = new byte[RadiusPacket.LengthMax];
        for (var first = 0; first < Outstanding; first++)
        {
            next = SendNext(socket, next);
        }
        for (var received = 0L; ; received++)
        {
            // The clock is read only now and then, because reading it costs as much as the rest of an iteration.
            if ((received & 63) == 0 && (LabClock.Wall.GetElapsedTime(began) >= time || cancellationToken.IsCancellationRequested))
            {
                break;
            }
            int length;
            try
            {
                length = socket.Receive(answer);
            }
            catch (SocketException late) when (late.SocketErrorCode == SocketError.TimedOut)
            {
                lost += Outstanding;
                Array.Fill(_sent, -1);
                for (var first = 0; first < Outstanding; first++)
                {
                    next = SendNext(socket, next);
                }
                continue;
            }
            if (length < RadiusPacket.HeaderLength || _sent[answer[1]] < 0 || !IsGenuine(answer.AsSpan(0, length), received))
            {
                other++;
                continue;
            }
            _sent[answer[1]] = -1;
            (accepted, other) = answer[0] == (byte)RadiusCode.AccessAccept ? (accepted + 1, other) : (accepted, other + 1);
            next = SendNext(socket, next);
        }
        var took = LabClock.Wall.GetElapsedTime(began);
        Drain(socket, answer);
        cancellationToken.ThrowIfCancellationRequested();
        return new RadiusLoadResult(accepted, other, lost, took);
    }

    public void Dispose() => _client.Dispose();

    private bool IsGenuine(ReadOnlySpan<byte> answer, long received) =>
        (received & 255) != 0
        || (
            RadiusPacket.Parse(answer, out var packet) == RadiusDefect.None
            && _secret.IsAnswer(packet, _requests[_sent[answer[1]]].AsSpan(4, RadiusPacket.AuthenticatorLength))
        );

    private long SendNext(Socket socket, long next)
    {
        while (_sent[next % Identifiers] >= 0)
        {
            next++;
        }
        var number = next % _requests.Length;
        _sent[next % Identifiers] = number;
        socket.Send(_requests[number]);
        return next + 1;
    }

    /// <summary>Discards pending answers, which must not be taken for answers of the next server.</summary>
    private static void Drain(Socket socket, byte[] buffer)
    {
        socket.ReceiveTimeout = 200;
        try
        {
            while (true)
            {
                socket.Receive(buffer);
            }
        }
        catch (SocketException)
        {
            // No answer is pending.
        }
    }
}
