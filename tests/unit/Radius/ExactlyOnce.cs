using System.Collections.Immutable;
using System.Net;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Nics;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;
using Appliance.Hal;
using OtpNet;

namespace Appliance.Tests.Radius;

/// <summary>The result of a run.</summary>
internal sealed record ExactlyOnceResult(
    int Logins,
    int Accepted,
    int Rejected,
    int Unanswered,
    int TwoPushes,
    int TwoDecisions,
    int Undecided,
    int Unapproved,
    int Contradicted,
    int Restarts,
    long Datagrams,
    long Lost,
    long Repeated,
    double SimulatedHours
)
{
    /// <summary>The first login that broke the promise, step by step; "" for none.</summary>
    public string Problem { get; init; } = "";
}

/// <summary>
/// The client's core and the server's, over datagrams of simulated interfaces that get lost, doubled and overtaken, with a server that
/// restarts
/// at any moment (its port with it) and phones that answer twice. A queue of events is the only clock, and a seed the only source of random
/// values: the same seed is the same run.
/// </summary>
internal sealed class ExactlyOnce
{
    private const int Users = 2_000;
    private const double Loss = 0.3;
    private const double Doubled = 0.1;
    private static readonly IPEndPoint Server = IPEndPoint.Parse("10.0.0.10:1812");
    private static readonly IPAddress Nas = IPAddress.Parse("10.0.0.1");
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    private readonly Random _random;
    private readonly PriorityQueue<Action, (long Ticks, long Order)> _events = new();
    private readonly Dictionary<string, FacRecord> _durable = new(StringComparer.Ordinal);
    private readonly TokenCore _tokens = new();
    private readonly FacSettings _settings;
    private readonly RadiusSettings _asked;
    private readonly RadiusClientCore _client;
    private readonly Dictionary<long, Action<RadiusResult>> _waiting = [];
    private readonly Login?[] _current = new Login?[Users];
    private readonly int _wanted;
    private FacCore _core = null!;
    private FacRadius _radius = null!;
    private DateTimeOffset _now = Start;
    private long _order;
    private int _begun;
    private int _over;
    private DateTimeOffset _clientTimer = DateTimeOffset.MaxValue;
    private DateTimeOffset _serverTimer = DateTimeOffset.MaxValue;
    private int _generation;
    private readonly SimNetwork _network;
    private readonly SimNic _nas;
    private readonly SimNic _fac;
    private readonly Dictionary<int, IDatagramPort> _clientPorts = [];
    private readonly byte[] _buffer = new byte[RadiusPacket.LengthMax];
    private IDatagramPort? _serverPort;
    private ExactlyOnceResult _result = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private ExactlyOnce(int logins, int seed)
    {
        (_wanted, _random) = (logins, new Random(seed));
        _network = new SimNetwork { Wire = Carry };
        (_nas, _fac) = (new SimNic(_network, "port1", Nas), new SimNic(_network, "fac", Server.Address));
        var users = Enumerable
            .Range(0, Users)
            .Select(number => new FacUser(
                $"user{number}",
                "password",
                "vpn-users",
                [new Token($"T{number}", TokenSeed.Parse(Convert.ToHexString(Secret(number)))!, false, $"phone{number}", "ios")]
            ));
        _settings = new FacSettings(
            Server.Address,
            1812,
            1813,
            443,
            TimeSpan.FromSeconds(60),
            "key",
            [new FacClient(IPNetwork.Parse("0.0.0.0/0"), FacFixture.Secret, FacPolicy.CodeOrEmpty, true, 100_000)],
            [.. users]
        );
        _asked = new RadiusSettings("fac", [new RadiusTarget(Server, FacFixture.Secret)], [RadiusScheme.Pap])
        {
            Timeout = TimeSpan.FromSeconds(5),
            ServerTime = TimeSpan.FromSeconds(75),
        };
        _client = new RadiusClientCore(span => _random.NextBytes(span));
        Boot();
    }

    public static ExactlyOnceResult Run(int logins, int seed)
    {
        var run = new ExactlyOnce(logins, seed);
        for (var user = 0; user < Users; user++)
        {
            var one = user;
            run.After(run._random.NextDouble() * 120, () => run.Begin(one));
        }
        run.After(30, run.Restart);
        while (run._over < logins && run._events.TryDequeue(out var next, out var at))
        {
            run._now = new DateTimeOffset(at.Ticks, TimeSpan.Zero);
            next();
        }
        return run._result with { Logins = run._over, SimulatedHours = Math.Round((run._now - Start).TotalHours, 2) };
    }

    private static byte[] Secret(int number) => [.. "a seed of 17 bytes"u8, (byte)(number >> 8), (byte)number, 7];

    private void After(double seconds, Action act) => _events.Enqueue(act, (_now.AddSeconds(seconds).Ticks, ++_order));

    private void Begin(int user)
    {
        if (_begun >= _wanted)
        {
            return;
        }
        _begun++;
        var login = _current[user] = new Login(user);
        login.Steps.Add($"{_now - Start} begins");
        Ask(
            new RadiusQuery($"user{user}", "password", null, "vpn-ssl"),
            first =>
            {
                if (first is RadiusResult.Challenge challenge)
                {
                    login.Steps.Add($"{_now - Start} challenged");
                    Ask(new RadiusQuery($"user{user}", "", null, "vpn-ssl") { Answers = challenge }, second => End(login, second));
                    return;
                }
                End(login, first);
            }
        );
    }

    private void Ask(RadiusQuery query, Action<RadiusResult> then)
    {
        var step = _client.Start(query, _asked, "port1", Nas, _now, out var number);
        _waiting.Add(number, then);
        Client(step);
    }

    /// <summary>Evaluated some time after the end, when everything in transit has arrived.</summary>
    private void End(Login login, RadiusResult result) =>
        After(
            150,
            () =>
            {
                var accepted = result is RadiusResult.Accept;
                _over++;
                if (_result.Problem.Length == 0 && (login.Pushes > 1 || login.Decisions.Count > 1))
                {
                    _result = _result with
                    {
                        Problem = $"user{login.User}: {string.Join("; ", login.Steps)}; the client was told {result.GetType().Name}",
                    };
                }
                _result = _result with
                {
                    Accepted = _result.Accepted + (accepted ? 1 : 0),
                    Rejected = _result.Rejected + (result is RadiusResult.Reject ? 1 : 0),
                    Unanswered = _result.Unanswered + (result is RadiusResult.NoAnswer or RadiusResult.Challenge ? 1 : 0),
                    TwoPushes = _result.TwoPushes + (login.Pushes > 1 ? 1 : 0),
                    // Once pushed, decided: by the phone, or by the time that it had.
                    Undecided = _result.Undecided + (login.Pushes > 0 && login.Decisions.Count == 0 ? 1 : 0),
                    Unapproved = _result.Unapproved + (accepted && !login.Approved ? 1 : 0),
                    TwoDecisions = _result.TwoDecisions + (login.Decisions.Count > 1 ? 1 : 0),
                    // A reported result is a decided result, and an undecided request got no answer.
                    Contradicted =
                        _result.Contradicted
                        + (
                            result is RadiusResult.Accept or RadiusResult.Reject
                            && !(login.Decisions is [var decided] && decided == accepted)
                                ? 1
                                : 0
                        ),
                };
                After(_random.NextDouble() * 20, () => Begin(login.User));
            }
        );

    private void Client(RadiusClientStep step)
    {
        foreach (var send in step.Sends)
        {
            ClientPort(send.Port).Send(send.Packet, Server);
        }
        foreach (var (number, result) in step.Finished)
        {
            _waiting.Remove(number, out var then);
            then!(result);
        }
        if (_client.NextDeadline is { } next && next < _clientTimer)
        {
            _clientTimer = next;
            _events.Enqueue(
                () =>
                {
                    _clientTimer = DateTimeOffset.MaxValue;
                    Client(_client.Tick(_now));
                },
                (next.Ticks, ++_order)
            );
        }
    }

    /// <summary>The wire: 30 % lost, 10 % doubled, each copy between 1 and 400 ms under way.</summary>
    private void Carry(IPEndPoint to, Action deliver)
    {
        for (var copies = _random.NextDouble() < Doubled ? 2 : 1; copies > 0; copies--)
        {
            _result = _result with { Datagrams = _result.Datagrams + 1 };
            if (_random.NextDouble() < Loss)
            {
                _result = _result with { Lost = _result.Lost + 1 };
                continue;
            }
            After(
                0.001 + (_random.NextDouble() * 0.4),
                () =>
                {
                    deliver();
                    Arrive(to);
                }
            );
        }
    }

    private IDatagramPort ClientPort(int port)
    {
        if (!_clientPorts.TryGetValue(port, out var open))
        {
            _clientPorts.Add(port, open = _nas.OpenDatagrams(50_000 + port));
        }
        return open;
    }

    /// <summary>Delivers a datagram to the owner of its port. A datagram to a closed port is lost.</summary>
    private void Arrive(IPEndPoint to)
    {
        if (to.Equals(Server))
        {
            if (Take(_serverPort!) is { } request)
            {
                Serve(_radius.Receive(_buffer.AsSpan(0, request.Length), request.From, FacWay.Authentication, _now));
            }
        }
        else if (Take(_clientPorts[to.Port - 50_000]) is { } answer)
        {
            Client(_client.Receive("port1", to.Port - 50_000, _buffer.AsSpan(0, answer.Length), answer.From, _now));
        }
    }

    private (int Length, IPEndPoint From)? Take(IDatagramPort port)
    {
        using var none = new CancellationTokenSource();
        var receiving = port.ReceiveAsync(_buffer, none.Token);
        if (!receiving.IsCompleted)
        {
            none.Cancel();
            return null;
        }
        return receiving.GetAwaiter().GetResult();
    }

    private void Serve(FacStep step)
    {
        _radius.Settle(step, _now);
        foreach (var entry in step.Events)
        {
            Note(entry);
        }
        foreach (var record in step.Records)
        {
            if (record.Value is null)
            {
                _durable.Remove(record.Key);
            }
            else
            {
                _durable[record.Key] = record;
            }
        }
        // At random the server is killed immediately after its commit, so its replies are never sent.
        if (!step.IsPlain && _random.Next(500) == 0)
        {
            Boot();
            return;
        }
        foreach (var push in step.Pushes)
        {
            _current[int.Parse(push.User.AsSpan(4))]!.Pushes++;
            _current[int.Parse(push.User.AsSpan(4))]!.Steps.Add($"{_now - Start} push");
            Phone(push.SessionId, int.Parse(push.User.AsSpan(4)));
        }
        foreach (var reply in step.Replies)
        {
            _radius.Sent(reply);
            _serverPort!.Send(reply.Packet, reply.To);
        }
        Rearm();
    }

    private void Note(EventEntry entry)
    {
        if (entry.Fields.FirstOrDefault(field => field.Name == "status").Value is { } status)
        {
            var login = _current[int.Parse(entry.Fields.First(field => field.Name == "user").Value.AsSpan(4))]!;
            login.Decisions.Add(status == "success");
            login.Steps.Add($"{_now - Start} {entry.Fields.First(field => field.Name == "reason").Value}");
        }
    }

    /// <summary>The phone approves (80 %), denies or ignores; its answer may also arrive twice.</summary>
    private void Phone(string session, int user)
    {
        var choice = _random.Next(10);
        if (choice == 9)
        {
            return;
        }
        var delay = 0.5 + (_random.NextDouble() * 30);
        for (var times = _random.Next(4) == 0 ? 2 : 1; times > 0; times--)
        {
            After(
                delay + (times * _random.NextDouble()),
                () =>
                {
                    var secret = Secret(user);
                    var (taken, step) =
                        choice == 8
                            ? _core.PushDenied(session, "no", Convert.FromHexString(AlertSignature.Compute(secret, session, "no")), _now)
                            : _core.PushApproved(session, new Totp(secret, 60, OtpHashMode.Sha1, 6).ComputeTotp(_now.UtcDateTime), _now);
                    _current[user]!.Approved |= taken && choice != 8;
                    Serve(step);
                }
            );
        }
    }

    private void Restart()
    {
        Boot();
        After(20 + (_random.NextDouble() * 80), Restart);
    }

    /// <summary>
    /// Starts a server that has only the durable state. Consumed codes are durable, too: they share one memory throughout.
    /// </summary>
    private void Boot()
    {
        foreach (var login in _current)
        {
            login?.Steps.Add($"{_now - Start} restart");
        }
        _result = _result with
        {
            Restarts = _result.Restarts + 1,
            Repeated = _result.Repeated + (_radius?.Dropped.GetValueOrDefault("duplicate_undecided") ?? 0),
        };
        _ = _serverPort?.DisposeAsync().AsTask();
        _serverPort = _fac.OpenDatagrams(Server.Port);
        _core = new FacCore(_settings, _tokens, "10.0.0.10", () => 443, span => _random.NextBytes(span));
        _radius = new FacRadius(_settings, _core);
        _core.Restore(_durable.Values);
        _radius.Restore(_durable.Values, _now);
        _generation++;
        _serverTimer = DateTimeOffset.MaxValue;
        Rearm();
    }

    private void Rearm()
    {
        if (new[] { _core.NextDeadline, _radius.NextExpiry }.Min() is { } next && next < _serverTimer)
        {
            var generation = _generation;
            _serverTimer = next;
            _events.Enqueue(
                () =>
                {
                    if (generation == _generation)
                    {
                        _serverTimer = DateTimeOffset.MaxValue;
                        var step = _core.Tick(_now);
                        _radius.Expire(step, _now);
                        Serve(step);
                    }
                },
                (Math.Max(next.Ticks, _now.Ticks), ++_order)
            );
        }
    }

    private sealed class Login(int user)
    {
        public int User => user;
        public int Pushes { get; set; }
        public List<bool> Decisions { get; } = [];
        public bool Approved { get; set; }
        public List<string> Steps { get; } = [];
    }
}
