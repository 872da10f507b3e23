using System.Globalization;
using System.Net;
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
using Appliance.Firmware.Tunnels;
using Appliance.Firmware.Validation;
using Appliance.Firmware.Vpn;
using Appliance.Hal;
using Microsoft.Extensions.Logging.Abstractions;
using OtpNet;

namespace Appliance.Bench.PushLogin;

/// <summary>The interfaces of an appliance's two services and of their clients.</summary>
/// <param name="Server">The appliance's interface.</param>
/// <param name="Client">The clients' and the phones'.</param>
/// <param name="Tls">False: without TLS, which no unit has.</param>
internal sealed record PushLoginPlace(INic Server, INic Client, bool Tls);

/// <summary>
/// The path of a push login as a unit has it, from the SSL VPN's post to the cookie, with as many users and tokens as log in within one
/// time
/// step, because a token approves once a step.
/// </summary>
internal sealed class PushLoginRig : IAsyncDisposable
{
    public const int VpnPort = 10443;
    public const int CallbackPort = 4433;
    private const string Vpn = "sslvpn";
    private const string Ftm = "ftm";
    private const string SerialPrefix = "FTKMOB";
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(60);

    private readonly OwnedStack _owned = new();
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen);
    private readonly DeviceCertificates? _certificates;
    private LoginService _login = null!;
    private StateDatabase _state = null!;

    private PushLoginRig(int users, DeviceCertificates? certificates) => (Codes, _certificates) = (new string[users], certificates);

    /// <summary>The current code of each user's phone.</summary>
    public string[] Codes { get; }

    public LoginService Login => _login;

    /// <summary>Transactions so far.</summary>
    public long Commits => _state.Commits;

    /// <summary>Starts it, at the beginning of a step.</summary>
    public static async Task<PushLoginRig> StartAsync(
        string folder,
        int users,
        PushLoginPlace place,
        IPushSender phones,
        CancellationToken cancellationToken
    )
    {
        Directory.CreateDirectory(folder);
        var rig = new PushLoginRig(
            users,
            place.Tls ? DeviceCertificates.Open(Path.Combine(folder, "certificates"), "bench", LabClock.Wall) : null
        );
        var (clock, address) = (rig._clock, place.Server.Addresses[0]);
        var key = DeviceKey.Open(Path.Combine(folder, "device.key"));
        var store = ConfigStore.Open(
            ConfigSchema.Load(Personality.Default),
            Path.Combine(folder, "system.conf"),
            key,
            Configuration(users, address),
            ConfigRules.Values,
            clock
        );
        rig._state = rig._owned.Push(
            StateDatabase.Open(Path.Combine(folder, "state.db"), [EventLog.Table, .. LoginCore.Tables, VpnSessions.Table])
        );
        var (events, debug) = (new EventLog(rig._state, clock, "bench"), new DebugTap());
        rig._login = rig._owned.Push(new LoginService(new TokenCore(rig._state), rig._state, events, clock, debug));
        var push = rig._owned.Push(new PushService(rig._login, phones, events, clock, debug, _ => Task.CompletedTask));
        rig._login.Gateways.Push = push;
        var sessions = rig._owned.Push(new VpnSessions(rig._state, events, clock, key));
        var tunnels = rig._owned.Push(new TunnelService(sessions, events, debug, clock, new NoTunnelNetwork()));
        var vpn = new VpnEndpoint(rig._login, sessions, events, debug, tunnels);
        foreach (var subscriber in (IConfigSubscriber[])[rig._login, push, sessions, vpn, tunnels])
        {
            store.Subscribe(subscriber);
        }
        var callback = new CallbackEndpoint(push, new TrustedCallers(store, events, clock), debug);
        var nic = rig._owned.Push(new GatedNic(place.Server));
        var transport = new NicTransport(clock);
        var names = new CertificateNames(["bench.test"], [address]);
        rig._owned.Push(
            await HttpFront.StartAsync(
                transport,
                new Dictionary<string, IHttpService>(StringComparer.Ordinal)
                {
                    [Vpn] = new ContextService(vpn.ServeAsync),
                    [Ftm] = callback,
                },
                rig._certificates is { } certificates ? service => certificates.For(service, names) : null,
                NullLoggerFactory.Instance,
                cancellationToken
            )
        );
        transport.Apply([new Placement(Vpn, nic, VpnPort, AllowAccess.None), new Placement(Ftm, nic, CallbackPort, AllowAccess.None)]);
        rig.NextStep();
        return rig;
    }

    /// <summary>Completes when everything that was posted is on disk.</summary>
    public Task DrainAsync() => _state.CommitAsync(new StateWrite("DELETE FROM vpn_sessions WHERE rowid=$0", 0L)).AsTask();

    /// <summary>Advances until every token can approve again, and no push or session of the last step is left.</summary>
    public void NextStep()
    {
        _clock.Advance(Step * 10);
        var now = _clock.GetUtcNow().UtcDateTime;
        for (var user = 0; user < Codes.Length; user++)
        {
            Codes[user] = new Totp(Seed(user), (int)Step.TotalSeconds).ComputeTotp(now);
        }
    }

    public static string User(int number) => string.Create(CultureInfo.InvariantCulture, $"user{number:000000}");

    /// <summary>The number of the user to whom a push is addressed.</summary>
    public static int UserOf(PushMessage push) => int.Parse(push.TokenSerial.AsSpan(SerialPrefix.Length), CultureInfo.InvariantCulture);

    public static string Serial(int number) => string.Create(CultureInfo.InvariantCulture, $"{SerialPrefix}{number:0000000000}");

    public async ValueTask DisposeAsync()
    {
        await _owned.DisposeAsync();
        _certificates?.Dispose();
        _clock.Dispose();
    }

    private static byte[] Seed(int number) => SHA256.HashData(BitConverter.GetBytes(number))[..20];

    private static string Configuration(int users, IPAddress address)
    {
        var text = new StringBuilder(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                config system interface
                edit port1
                set ip {address} 255.255.255.255
                set type physical
                next
                end
                config system ftm-push
                set server-ip {address}
                set server-port {CallbackPort}
                set status enable
                end
                config user fortitoken

                """
            )
        );
        for (var user = 0; user < users; user++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"edit {Serial(user)}\nset seed {Convert.ToHexStringLower(Seed(user))}\nset reg-id {Serial(user)}\nset os-ver \"ios 18\"\nnext\n"
            );
        }
        text.Append("end\nconfig user local\n");
        for (var user = 0; user < users; user++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"edit {User(user)}\nset type password\nset passwd p\nset two-factor fortitoken\nset fortitoken {Serial(user)}\nnext\n"
            );
        }
        return text.Append(
                "end\nconfig vpn ssl web portal\nedit p\nset web-mode enable\nnext\nend\nconfig vpn ssl settings\nset default-portal p\nset login-attempt-limit 0\nset source-interface port1\nend\n"
            )
            .ToString();
    }
}
