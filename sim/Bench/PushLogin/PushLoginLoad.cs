using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;

namespace Appliance.Bench.PushLogin;

/// <summary>Clients of the SSL VPN that log in by push: two posts each, the second of which waits for the phone.</summary>
internal sealed class PushLoginLoad(PushLoginRig rig, PushLoginPlace place, SslClientAuthenticationOptions? tls, bool reconnect = false)
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string LoginCheck = "/remote/logincheck";
    private readonly IPEndPoint _vpn = new(place.Server.Addresses[0], PushLoginRig.VpnPort);
    private readonly ConcurrentStack<BenchLine> _idle = new();

    /// <summary>Logs all users in, a number of them at a time. Returns the time taken.</summary>
    /// <exception cref="InvalidOperationException">A login was refused.</exception>
    public async Task<TimeSpan> RunAsync(int atOnce, CancellationToken cancellationToken)
    {
        rig.NextStep();
        var next = -1;
        async Task ClientAsync()
        {
            while (Interlocked.Increment(ref next) is var user && user < rig.Codes.Length)
            {
                await LogInAsync(user, cancellationToken);
            }
        }
        var began = LabClock.Wall.GetTimestamp();
        // A login that never ends fails the run, and does not hang it.
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(ClientAsync, cancellationToken)))
            .WaitAsync(TimeSpan.FromSeconds(60), LabClock.Wall, cancellationToken);
        return LabClock.Wall.GetElapsedTime(began);
    }

    public async ValueTask EndAsync()
    {
        while (_idle.TryPop(out var line))
        {
            await line.DisposeAsync();
        }
    }

    /// <summary>A login up to where it waits: its connection, and the answer to come.</summary>
    public static async Task<(BenchLine Line, Task Answer)> WaitAsync(
        PushLoginPlace place,
        IPEndPoint vpn,
        int user,
        CancellationToken cancellationToken
    )
    {
        var line = await BenchLine.ConnectAsync(place.Client, vpn, null, cancellationToken);
        return (line, line.ExchangeAsync(await SecondAsync(line, user)).AsTask());
    }

    /// <summary>The first post, and what the second one is.</summary>
    private static async Task<byte[]> SecondAsync(BenchLine line, int user)
    {
        var name = PushLoginRig.User(user);
        var challenge = await line.ExchangeAsync(
            BenchLine.Post(LoginCheck, Form, $"username={name}&credential=p&realm=&ajax=1&just_logged_in=1")
        );
        var (request, policy) = (challenge.Between("reqid="u8, ",\r"u8), challenge.Between("polid="u8, ",\r"u8));
        return request.Length > 0
            ? BenchLine.Post(LoginCheck, Form, $"username={name}&realm=&reqid={request}&polid={policy}&grp=&portal=&peer=&ftmpush=1")
            : throw new InvalidOperationException($"{name} got no challenge: {Encoding.UTF8.GetString(challenge.Bytes.Span)}");
    }

    private async Task LogInAsync(int user, CancellationToken cancellationToken)
    {
        var line =
            !reconnect && _idle.TryPop(out var idle) ? idle : await BenchLine.ConnectAsync(place.Client, _vpn, tls, cancellationToken);
        var answer = await line.ExchangeAsync(await SecondAsync(line, user));
        if (answer.Status != 200 || answer.Between("SVPNCOOKIE="u8, ";\r"u8).Length != 64 || answer.Bytes.Span.IndexOf("ret=1,"u8) < 0)
        {
            throw new InvalidOperationException($"{PushLoginRig.User(user)} refused: {Encoding.UTF8.GetString(answer.Bytes.Span)}");
        }
        if (reconnect)
        {
            await line.DisposeAsync();
        }
        else
        {
            _idle.Push(line);
        }
    }
}

/// <summary>
/// Callbacks alone, on the same rig: the first half of every login is done before, and the clock runs from the first answer on.
/// </summary>
internal sealed class CallbackOnlyLoad(int users) : IPushSender
{
    private readonly string[] _sessions = new string[users];
    private TaskCompletionSource _sent = new();
    private int _missing;

    public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        _sessions[PushLoginRig.UserOf(message)] = message.SessionId;
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _sent.SetResult();
        }
        return ValueTask.FromResult(PushResult.Sent);
    }

    /// <summary>Approves a login of every user; how long that took.</summary>
    public async Task<TimeSpan> RunAsync(PushLoginRig rig, PushLoginPlace place, int atOnce, CancellationToken cancellationToken)
    {
        rig.NextStep();
        (_sent, _missing) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), users);
        foreach (var chunk in Enumerable.Range(0, users).Chunk(512))
        {
            await Task.WhenAll(
                chunk.Select(user =>
                    rig.Login.StartAsync(new LoginRequest(PushLoginRig.User(user), "p", "", IPAddress.Loopback) { Nic = "port1" })
                )
            );
        }
        await _sent.Task.WaitAsync(cancellationToken);
        var requests = Enumerable.Range(0, users).Select(user => BenchPhones.Approval(_sessions[user], rig.Codes[user])).ToArray();
        var lines = await Task.WhenAll(
            Enumerable
                .Range(0, atOnce)
                .Select(_ =>
                    BenchLine.ConnectAsync(
                        place.Client,
                        new IPEndPoint(place.Server.Addresses[0], PushLoginRig.CallbackPort),
                        null,
                        cancellationToken
                    )
                )
        );
        var next = -1;
        async Task PhoneAsync(BenchLine line)
        {
            while (Interlocked.Increment(ref next) is var number && number < requests.Length)
            {
                var answer = await line.ExchangeAsync(requests[number]);
                if (answer.Status != 200)
                {
                    throw new InvalidOperationException($"an approval got {answer.Status}");
                }
            }
        }
        var began = LabClock.Wall.GetTimestamp();
        await Task.WhenAll(lines.Select(line => Task.Run(() => PhoneAsync(line), cancellationToken)));
        var took = LabClock.Wall.GetElapsedTime(began);
        foreach (var line in lines)
        {
            await line.DisposeAsync();
        }
        return took;
    }
}
