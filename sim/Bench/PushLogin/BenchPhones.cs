using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Phones;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Bench.PushLogin;

/// <summary>Phones that approve every push immediately, over connections that they share. A push reaches them by a call.</summary>
internal class BenchPhones(PushLoginPlace place, SslClientAuthenticationOptions? tls) : IPushSender, IAsyncDisposable
{
    private const string Target = "/api/v1/pushauthresp/";
    private readonly ConcurrentStack<BenchLine> _idle = new();
    private readonly IPEndPoint _callback = new(place.Server.Addresses[0], PushLoginRig.CallbackPort);
    private int _refused;

    /// <summary>The current code of each phone; set before the first push.</summary>
    public string[] Codes { get; set; } = [];

    /// <summary>True: each answer has a separate connection and handshake, as with real phones.</summary>
    public bool Reconnect { get; init; }

    /// <summary>Answers that did not get 200.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <inheritdoc/>
    public virtual ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        Approve(message);
        return ValueTask.FromResult(PushResult.Sent);
    }

    /// <summary>The request of an approval.</summary>
    public static byte[] Approval(string session, string code) =>
        BenchLine.Post(Target, "application/json", $$"""{"session_id":"{{session}}","action":"validate","token_code":"{{code}}"}""");

    public virtual async ValueTask DisposeAsync()
    {
        while (_idle.TryPop(out var line))
        {
            await line.DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }

    protected void Approve(PushMessage message) => _ = ApproveAsync(message);

    private async Task ApproveAsync(PushMessage message)
    {
        try
        {
            var line =
                !Reconnect && _idle.TryPop(out var idle)
                    ? idle
                    : await BenchLine.ConnectAsync(place.Client, _callback, tls, CancellationToken.None);
            var answer = await line.ExchangeAsync(Approval(message.SessionId, Codes[PushLoginRig.UserOf(message)]));
            if (answer.Status != 200)
            {
                Interlocked.Increment(ref _refused);
            }
            if (Reconnect)
            {
                await line.DisposeAsync();
            }
            else
            {
                _idle.Push(line);
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            // Its login never ends, and is missed in the count.
            Interlocked.Increment(ref _refused);
        }
    }
}

/// <summary>The same phones, each with a separate connection to a broker, on which pushes arrive as from the providers' doubles.</summary>
internal sealed class MqttBenchPhones : BenchPhones
{
    private readonly MqttLastHop _lastHop;
    private readonly MqttPhones _phones;
    private readonly PhoneFleet _fleet;

    public MqttBenchPhones(PushLoginPlace place, MqttAddress broker, int users)
        : base(place, null)
    {
        _lastHop = new MqttLastHop(broker, LabClock.Wall, NullLogger.Instance);
        _fleet = new PhoneFleet(LabClock.Wall, NullLogger.Instance);
        _fleet.Attach(new Registered(users));
        _phones = new MqttPhones(broker, _fleet, NullLogger.Instance, (_, push) => Approve(push));
    }

    public int Connected => _phones.ConnectedCount;

    public override async ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(PushPayload.Fields(PushProxyRequest.Of(message, "bench")));
        // Of the frozen clock's time nothing is kept: every phone listens.
        return await _lastHop.DeliverAsync(new Notification("apns", DeviceTokens.Of("ios", message.Recipient), payload, null, null))
            ? PushResult.Sent
            : PushResult.Failed(PushOutcome.Unavailable, "the broker did not take it");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _phones.DisposeAsync();
        await _lastHop.DisposeAsync();
        _fleet.Dispose();
    }

    private sealed class Registered : IPhoneSource
    {
        private readonly TokenActivation[] _tokens;

        public Registered(int users)
        {
            _tokens =
            [
                .. Enumerable
                    .Range(0, users)
                    .Select(user => new TokenActivation(
                        PushLoginRig.Serial(user),
                        [],
                        TimeSpan.Zero,
                        6,
                        PushLoginRig.Serial(user),
                        "ios 18",
                        null
                    )),
            ];
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            DeviceCa = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256).CreateSelfSigned(
                DateTimeOffset.UnixEpoch,
                LabClock.Latest
            );
        }

        public object Version { get; } = new();

        public X509Certificate2 DeviceCa { get; }

        public IReadOnlyList<TokenActivation> Activations() => _tokens;

        public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) => throw new NotSupportedException("these phones are enrolled");
    }
}
