using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Firmware;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login;
using Appliance.Firmware.Network;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Validation;
using Appliance.Hal;
using Microsoft.Extensions.Logging.Abstractions;
using OtpNet;

namespace Appliance.Bench.Callback;

/// <summary>
/// The callback path as a unit has it, from the connection to the state database, with as many users and tokens as are to be decided in one
/// time step, and the first half of their logins.
/// </summary>
internal sealed class CallbackRig : IAsyncDisposable
{
    internal static readonly TimeSpan Step = TimeSpan.FromSeconds(60);
    private static readonly IPAddress Client = IPAddress.Parse("192.0.2.1");
    internal static CertificateNames Names { get; } = new(["callback.test"], [IPAddress.Parse("10.0.0.1")]);

    private const string Password = "p";

    private readonly OwnedStack _owned = new();
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen);
    private readonly Inbox _inbox;
    private StateDatabase _state = null!;
    private LoginService _login = null!;

    private CallbackRig(int tokens) => (Tokens, _inbox) = (tokens, new Inbox(tokens));

    public async ValueTask DisposeAsync()
    {
        await _owned.DisposeAsync();
        _clock.Dispose();
    }

    /// <summary>The number of logins that can be decided in one step.</summary>
    internal int Tokens { get; }

    /// <summary>Transactions so far.</summary>
    internal long Commits => _state.Commits;

    internal DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>Starts it.</summary>
    /// <param name="folder">For its state.</param>
    /// <param name="tokens">The number of users.</param>
    /// <param name="durable">False: decisions are in memory, and no commit comes before an answer.</param>
    /// <param name="places">The listeners, each with or without TLS.</param>
    /// <param name="certificates">For those with TLS.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<CallbackRig> StartAsync(
        string folder,
        int tokens,
        bool durable,
        IReadOnlyList<(CallbackPlace Place, bool Tls)> places,
        DeviceCertificates certificates,
        CancellationToken cancellationToken
    )
    {
        var rig = new CallbackRig(tokens);
        Directory.CreateDirectory(folder);
        var store = ConfigStore.Open(
            ConfigSchema.Load(Personality.Default),
            Path.Combine(folder, "system.conf"),
            DeviceKey.Open(Path.Combine(folder, "device.key")),
            Configuration(tokens),
            ConfigRules.Values,
            rig._clock
        );
        string[] tables = [EventLog.Table, .. LoginCore.Tables];
        rig._state = durable ? StateDatabase.Open(Path.Combine(folder, "state.db"), tables) : StateDatabase.OpenForgetful();
        rig._owned.Push(rig._state);
        var (events, debug) = (new EventLog(rig._state, rig._clock, "bench"), new DebugTap());
        rig._login = new LoginService(new TokenCore(rig._state), rig._state, events, rig._clock, debug);
        rig._owned.Push(rig._login);
        var push = new PushService(rig._login, rig._inbox, events, rig._clock, debug, _ => Task.CompletedTask);
        rig._owned.Push(push);
        rig._login.Gateways.Push = push;
        _ = store.Subscribe(rig._login) ?? store.Subscribe(push);
        var callback = new CallbackEndpoint(push, new TrustedCallers(store, events, rig._clock), debug);
        foreach (var (place, tls) in places)
        {
            rig._owned.Push(
                await HttpFront.StartAsync(
                    place.Transport,
                    new Dictionary<string, IHttpService>(StringComparer.Ordinal) { [CallbackPlace.Service] = callback },
                    tls ? _ => certificates.For(CallbackPlace.Service, Names) : null,
                    NullLoggerFactory.Instance,
                    cancellationToken
                )
            );
        }
        return rig;
    }

    /// <summary>Advances to the next time step and begins a login of each user. Returns the answers that their phones would give now.</summary>
    internal async Task<CallbackLoad> BeginLoginsAsync()
    {
        // Twice the step: what was pushed before is over.
        _clock.Advance(Step * 2);
        _inbox.Clear();
        const int AtOnce = 512;
        for (var first = 0; first < Tokens; first += AtOnce)
        {
            var begun = await Task.WhenAll(
                Enumerable
                    .Range(first, Math.Min(AtOnce, Tokens - first))
                    .Select(number => _login.StartAsync(new LoginRequest(User(number), Password, "", Client) { Nic = "port1" }))
            );
            if (begun.FirstOrDefault(answer => answer is not LoginAnswer.Challenge { Push: true }) is { } other)
            {
                throw new InvalidOperationException($"a login got no push: {other}");
            }
        }
        await _inbox.Full;
        var now = Now.UtcDateTime;
        return CallbackLoad.Approvals([
            .. _inbox.Sessions.Select((session, number) => (session, new Totp(Seed(number), (int)Step.TotalSeconds).ComputeTotp(now))),
        ]);
    }

    /// <summary>The key under which a token's consumed codes are stored.</summary>
    internal static string Identity(int number) => new TokenSeed([.. Seed(number)], Step, 6, OtpHashMode.Sha1).Identity;

    private static string User(int number) => string.Create(CultureInfo.InvariantCulture, $"user{number:000000}");

    private static string Serial(int number) => string.Create(CultureInfo.InvariantCulture, $"FTKMOB{number:0000000000}");

    private static byte[] Seed(int number) => SHA256.HashData(BitConverter.GetBytes(number))[..20];

    private static string Configuration(int tokens)
    {
        var text = new StringBuilder(
            "config system interface\nedit port1\nset ip 10.0.0.1 255.255.255.0\nset type physical\nnext\nend\nconfig system ftm-push\nset server-ip 10.0.0.1\nset status enable\nend\nconfig user fortitoken\n"
        );
        for (var number = 0; number < tokens; number++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"edit {Serial(number)}\nset seed {Convert.ToHexStringLower(Seed(number))}\nset reg-id phone\nnext\n"
            );
        }
        text.Append("end\nconfig user local\n");
        for (var number = 0; number < tokens; number++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"edit {User(number)}\nset type password\nset passwd {Password}\nset two-factor fortitoken\nset fortitoken {Serial(number)}\nnext\n"
            );
        }
        return text.Append(
                "end\nconfig vpn ssl web portal\nedit p\nset web-mode enable\nnext\nend\nconfig vpn ssl settings\nset default-portal p\nset login-attempt-limit 0\nset source-interface port1\nend\n"
            )
            .ToString();
    }

    /// <summary>All phones: the session of each phone's push.</summary>
    private sealed class Inbox(int tokens) : IPushSender
    {
        private readonly string[] _sessions = new string[tokens];
        private TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _missing = tokens;

        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
        {
            _sessions[int.Parse(message.TokenSerial.AsSpan("FTKMOB".Length), CultureInfo.InvariantCulture)] = message.SessionId;
            if (Interlocked.Decrement(ref _missing) == 0)
            {
                _full.SetResult();
            }
            return ValueTask.FromResult(PushResult.Sent);
        }

        internal Task Full => _full.Task;

        internal IReadOnlyList<string> Sessions => _sessions;

        internal void Clear()
        {
            _missing = _sessions.Length;
            _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
