using System.Net;
using System.Text;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Validation;
using Appliance.Firmware.Vpn;
using Appliance.Lab.Composition;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace Appliance.Tests.Fuzz;

/// <summary>The appliance's readers for a login and its push: forms, callbacks, the push proxy's answers.</summary>
internal static class PushTargets
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly int[] CallbackStatuses = [200, 400, 401, 403, 404, 405, 413, 415];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("callback-body", "a phone's answer: null for what is none", () => input => CallbackRequest.Parse(input)),
        new(
            "callback-endpoint",
            "method, target, type, then a body, to the endpoint with a push out (its session is put for 32 S): one of its statuses, never 200",
            () => new Callback().Serve
        )
        {
            AllocationBase = 256 * 1024,
        },
        new("form", "a form body: null, with the name of what is wrong", () => input => FormBody.Parse(input, out _)),
        new("push-proxy-answer", "the push proxy's answer: null for what is none", () => input => PushProxyAnswer.Read(input)),
        new("push-proxy-request", "a push at the proxy: null for what is none", () => input => ProxyServer.Read(input)),
        new("push-payload", "what a phone reads of a notification: null for what is not ours", () => input => PushPayload.Read(input)),
    ];

    /// <summary>The endpoint as the unit has it, and one pending push with an unknown code.</summary>
#pragma warning disable CA1001 // It is kept for the process's lifetime.
    private sealed class Callback
#pragma warning restore CA1001
    {
        private const string Placeholder = "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS";
        private readonly FakeTimeProvider _time = new(Now);
        private readonly PushService _push;
        private readonly CallbackEndpoint _endpoint;
        private readonly Capture _sent = new();
        private readonly Token _token = new(
            "FTKMOB0000000001",
            TokenSeed.Parse("NRQWELLTMVSWILLPMYWWC3TOFUYDAMBR"),
            false,
            "registration",
            "ios 17.5"
        );
        private int _orders;
        private int _answers;

        public Callback()
        {
            var folder = Directory.CreateTempSubdirectory("appliance-fuzz-").FullName;
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
            var state = StateDatabase.Open(Path.Combine(folder, "state.db"), [EventLog.Table, .. LoginCore.Tables]);
            var events = new EventLog(state, _time, "FUZZ");
            var debug = new DebugTap();
            var config = ConfigStore.Open(
                ConfigSchema.Load(Personality.Default),
                Path.Combine(folder, "system.conf"),
                DeviceKey.Open(Path.Combine(folder, "device.key")),
                LabBoard.DefaultConfiguration(),
                ConfigRules.Values,
                _time
            );
            var login = new LoginService(new TokenCore(state), state, events, _time, debug);
            login.InForce(config.Current, config.Current);
            _push = new PushService(login, _sent, events, _time, debug, _ => Task.CompletedTask);
            _push.Apply(config.Current, config.Current);
            login.Gateways.Push = _push;
            _endpoint = new CallbackEndpoint(_push, new TrustedCallers(config, events, _time), debug);
        }

        public void Serve(byte[] input)
        {
            string[] lines = [.. Encoding.Latin1.GetString(input).Split('\n', 4), "", "", ""];
            // Three wrong answers end a session, and so may others: the next order opens another.
            if (_answers++ % 2 == 0)
            {
                var requestId = (++_orders).ToString(System.Globalization.CultureInfo.InvariantCulture);
                _push.Cancel(_orders - 1);
                _sent.Expect();
                _push.Send(new PushOrder(requestId, "ann", _token, IPAddress.Loopback, Now, Now + TimeSpan.FromMinutes(2), _orders));
                _sent.Wait();
            }
            var context = new DefaultHttpContext();
            (context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, context.Request.ContentType) = (
                lines[0],
                lines[1],
                lines[2]
            );
            context.Connection.RemoteIpAddress = IPAddress.Loopback;
            context.Request.Body = new MemoryStream(
                Encoding.Latin1.GetBytes(lines[3].Replace(Placeholder, _sent.Session, StringComparison.Ordinal))
            );
            _ = context.Request.BodyReader; // Creates the feature that a server has.
            _endpoint.ServeAsync(context.Features).GetAwaiter().GetResult();
            var status = context.Response.StatusCode;
            if (!CallbackStatuses.Contains(status) || status == 200)
            {
                throw new InvalidOperationException($"status {status}");
            }
        }

        private sealed class Capture : IPushSender
        {
            private TaskCompletionSource _sent = new();

            public string Session { get; private set; } = "";

            public void Expect() => _sent = new TaskCompletionSource();

            public void Wait() => _sent.Task.GetAwaiter().GetResult();

            public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
            {
                Session = message.SessionId;
                _sent.SetResult();
                return ValueTask.FromResult(PushResult.Sent);
            }
        }
    }
}
