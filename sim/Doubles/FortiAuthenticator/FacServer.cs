using System.Net;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>
/// The FortiAuthenticator emulator: a separate box beside the appliance, with its own address, state, events and certificate.
/// </summary>
public sealed partial class FacServer : IAsyncDisposable
{
    /// <summary>The emulator's serial number, in events and towards the push proxy.</summary>
    internal const string SerialNumber = Party.AuthenticatorSerial;

    private readonly FacSettings _settings;
    private readonly FacOptions _options;
    private readonly StateDatabase _state;
    private readonly DeviceCertificates _certificates;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly WorkTracker? _work;
    private readonly Lock _gate = new();
    private readonly FacCore _core;
    private readonly FacRadius _radius;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, TaskCompletionSource<FacVerdict>> _callers = new(StringComparer.Ordinal);
    private readonly FacPorts _ports = new();
    private IPushSender? _phones;
    private FacApi? _api;

    private FacServer(FacSettings settings, FacOptions options)
    {
        _settings = settings;
        _options = options;
        _time = options.Time;
        _log = options.Log;
        _work = WorkTracker.Of(options.Time);
        var (folder, time) = (options.StateFolder, options.Time);
        OwnerOnly.Enforce(folder);
        _state = StateDatabase.Open(
            Path.Combine(folder, "state.db"),
            [EventLog.Table, TokenCore.UseTable, TokenCore.DriftTable, FacRecord.Table]
        );
        _certificates = DeviceCertificates.Open(Path.Combine(folder, "certificates"), "FortiAuthenticator stand-in", time);
        Events = new EventLog(_state, time, SerialNumber) { DeviceName = "lab-authenticator" };
        _core = new FacCore(
            settings,
            new TokenCore(_state),
            settings.Address.ToString(),
            () => HttpsPort,
            System.Security.Cryptography.RandomNumberGenerator.Fill
        );
        _radius = new FacRadius(settings, _core);
        Stopped = _stopping.Token;
        var records = _state.Read(
            "SELECT key, value, expires FROM fac_record",
            row => new FacRecord(row.GetString(0), row.GetString(1), new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero))
        );
        _core.Restore(records);
        _radius.Restore(records, time.GetUtcNow());
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The emulator's events.</summary>
    public EventLog Events { get; }

    /// <summary>The CA that the emulator's phones trust.</summary>
    public System.Security.Cryptography.X509Certificates.X509Certificate2 Authority => _certificates.Authority;

    /// <summary>The endpoint of Access-Requests.</summary>
    public IPEndPoint Authentication => _ports.EndPointOf(FacWay.Authentication);

    /// <summary>The endpoint of Accounting-Requests.</summary>
    public IPEndPoint Accounting => _ports.EndPointOf(FacWay.Accounting);

    /// <summary>The TCP port for callbacks of phones and for REST calls.</summary>
    public int HttpsPort => _api?.Port ?? _settings.HttpsPort;

    /// <summary>The endpoint of RADIUS over TLS; null if it is not served.</summary>
    public IPEndPoint? RadSec => _api?.RadSecPort is { } port ? new IPEndPoint(_settings.Address, port) : null;

    /// <summary>Cancelled when the server stops.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>Raised on any thread when a fault requests a restart; the argument is the time to stay off.</summary>
    public event Action<TimeSpan>? RestartAsked;

    /// <summary>Returns the settings with the ports in use.</summary>
    public FacSettings SettingsAsBound() =>
        _settings with
        {
            AuthenticationPort = Authentication.Port,
            AccountingPort = Accounting.Port,
            HttpsPort = HttpsPort,
            RadSecPort = RadSec?.Port,
        };

    /// <summary>Starts the server; returns when every port listens.</summary>
    /// <param name="settings">The emulator's settings.</param>
    /// <param name="options">The emulator's environment.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="AddressInUseException">A port is in use.</exception>
    /// <exception cref="LabFailure">The HTTPS port is in use.</exception>
    public static async Task<FacServer> StartAsync(FacSettings settings, FacOptions options, CancellationToken cancellationToken = default)
    {
        var server = new FacServer(settings, options);
        try
        {
            server._ports.Open(options.Nic, settings);
            if (options.Https)
            {
                server._api = await FacApi.StartAsync(server, settings, server._certificates, options, cancellationToken);
            }
            server._ports.Serve(server.Receive);
            lock (server._gate)
            {
                server.Rearm(); // Logins that ended while the server was off: its ports are open only now.
            }
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sets the sender of pushes to the phones.</summary>
    public void Connect(IPushSender phones) => _phones = phones;

    /// <summary>
    /// Sends the pending pushes of an earlier run again, for phones that restarted with the server and lost them. A phone that has one
    /// already ignores it.
    /// </summary>
    public void Resume()
    {
        var step = Decide(_core.PendingPushes);
        WorkTracker.Run(_work, () => SettleLoggedAsync(step));
    }

    /// <summary>Returns the activation of each token for the enrolment of its phone.</summary>
    public IReadOnlyList<TokenActivation> Activations() => [.. _core.Users.SelectMany(user => user.Activations())];

    /// <summary>Returns the active listeners for the lab's display.</summary>
    public IReadOnlyList<BoundService> Services() =>
        [
            new("radius", "fac", Authentication),
            new("radius-acct", "fac", Accounting),
            .. _api is null ? [] : new[] { new BoundService("fac-https", "fac", new IPEndPoint(_settings.Address, HttpsPort)) },
            .. RadSec is { } radSec ? new[] { new BoundService("radsec", "fac", radSec) } : [],
        ];

    /// <summary>Returns the counts of answered and dropped datagrams, of pending requests and of pending logins.</summary>
    public (long Answered, IReadOnlyDictionary<string, long> Dropped, int Waiting, int Pending) Counters()
    {
        lock (_gate)
        {
            return (
                _radius.Answered,
                new SortedDictionary<string, long>(_radius.Dropped.ToDictionary(), StringComparer.Ordinal),
                _radius.WaitingCount,
                _core.PendingCount
            );
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_api is not null)
        {
            await _api.DisposeAsync();
        }
        await _ports.DisposeAsync();
        await _timer.DisposeAsync();
        await _state.DisposeAsync();
        _certificates.Dispose();
        _stopping.Dispose();
    }

    internal FacSettings Settings => _settings;

    /// <summary>Handles a datagram. An answer that needs no write to disk leaves immediately, on this thread.</summary>
    internal void Receive(ReadOnlySpan<byte> datagram, IPEndPoint source, FacWay way)
    {
        if (_options.Faults is { HasRadius: true } faults && IsLost(faults, datagram, source))
        {
            return;
        }
        FacStep step;
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            step = _radius.Receive(datagram, source, way, now);
            if (step.IsPlain)
            {
                foreach (var reply in step.Replies)
                {
                    _radius.Sent(reply);
                }
            }
            else
            {
                Rearm();
            }
        }
        if (!step.IsPlain)
        {
            WorkTracker.Run(_work, () => SettleLoggedAsync(step));
            return;
        }
        Tell(step);
        foreach (var reply in step.Replies)
        {
            Send(reply);
        }
    }

    private FacStep Decide(Func<DateTimeOffset, FacStep> decide)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            var step = decide(now);
            _radius.Settle(step, now);
            if (!step.IsPlain)
            {
                Rearm();
            }
            return step;
        }
    }

    private void Rearm()
    {
        var next = _core.NextDeadline is { } deadline && !(deadline > _radius.NextExpiry) ? deadline : _radius.NextExpiry;
        if (next is not null)
        {
            var rest = next.Value - _time.GetUtcNow();
            _timer.Change(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        if (!_stopping.IsCancellationRequested)
        {
            var step = Decide(now =>
            {
                var ticked = _core.Tick(now);
                _radius.Expire(ticked, now);
                return ticked;
            });
            WorkTracker.Run(_work, () => SettleLoggedAsync(step));
            lock (_gate)
            {
                Rearm();
            }
        }
    }

    private void Tell(FacStep step)
    {
        foreach (var entry in step.Events)
        {
            Events.Write(entry);
        }
    }

    private async Task SettleLoggedAsync(FacStep step)
    {
        try
        {
            await SettleAsync(step);
        }
        catch (IOException error)
        {
            // The decision is not durable, so it is not sent: the client retries or gives up.
            _log.LogError(error, "authenticator: a decision could not be saved");
        }
    }

    private async Task SettleAsync(FacStep step)
    {
        Tell(step);
        await _state.CommitAsync([.. step.Memory, .. step.Records.Select(record => record.Write())]);
        foreach (var push in step.Pushes)
        {
            WorkTracker.Run(_work, () => SendPushAsync(push));
        }
        foreach (var reply in step.Replies)
        {
            lock (_gate)
            {
                _radius.Sent(reply);
            }
            Send(reply);
        }
        foreach (var (state, verdict) in step.Released)
        {
            TaskCompletionSource<FacVerdict>? caller;
            lock (_gate)
            {
                _callers.Remove(state, out caller);
            }
            caller?.TrySetResult(verdict);
        }
    }

    private void Send(FacReply reply)
    {
        if (
            _options.Faults is { HasRadius: true } faults
            && faults.RadiusAnswer(reply.Entry.User, reply.To.Address) is { Fault: var fault }
        )
        {
            SendWrongly(reply, fault);
            return;
        }
        Put(reply, reply.Packet);
    }

    private void Put(FacReply reply, byte[] packet)
    {
        if (reply.Entry.Way == FacWay.RadSec)
        {
            _api?.RadSec?.Send(packet, reply.To);
            return;
        }
        _ports.Send(reply.Entry.Way, packet, reply.To);
    }

    private async Task SendPushAsync(PushMessage push)
    {
        await Task.Yield();
        PushResult result;
        try
        {
            result = _phones is { } phones
                ? await phones.SendAsync(push, _stopping.Token)
                : PushResult.Failed(PushOutcome.Unavailable, "there are no phones");
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        await SettleLoggedAsync(
            Decide(now => result.Outcome == PushOutcome.Sent ? _core.PushSent(push) : _core.PushFailed(push.SessionId, result.Cause, now))
        );
    }
}
