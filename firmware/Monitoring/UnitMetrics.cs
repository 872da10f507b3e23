using System.Diagnostics.Metrics;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Monitoring;

/// <summary>
/// The unit's metrics: one meter, whose instruments read counters that the services have anyway. A login is not slowed by measurement, and
/// without a listener there is no cost. Names, units and tags are a public contract (docs/use/metrics.md).
/// </summary>
public sealed class UnitMetrics : IDisposable
{
    /// <summary>The meter's name, for listeners in the process.</summary>
    public const string Name = "Appliance";

    /// <param name="login">The login service.</param>
    /// <param name="push">The push service, with the phones' answers.</param>
    /// <param name="radius">The RADIUS client.</param>
    /// <param name="state">The state database.</param>
    /// <param name="descriptors">The count of connections without a descriptor.</param>
    internal UnitMetrics(LoginService login, PushService push, RadiusClient radius, StateDatabase state, DescriptorAlarm descriptors)
    {
        Meter = new Meter(Name);
        AddPush(push);
        AddLogins(login);
        AddRadius(radius);
        AddResources(state, descriptors);
    }

    /// <summary>The meter, by which a listener distinguishes several units in one process.</summary>
    public Meter Meter { get; }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    private void AddPush(PushService push)
    {
        Counter(
            "appliance.push.messages",
            "{message}",
            "Push messages by outcome",
            () => push.Counts.Messages.Select(pair => Tagged(pair.Count, "outcome", Word(pair.Outcome)))
        );
        Gauge(
            "appliance.push.degraded",
            "1",
            "1 while push messages are not delivered (event 99160), else 0",
            () => push.Degraded ? 1 : 0
        );
        Counter(
            "appliance.callback.answers",
            "{answer}",
            "Answers of phones by result: accepted, refused (wrong code or signature), void (no such push is pending)",
            () =>
                [
                    Tagged(push.Counts.Accepted, "result", "accepted"),
                    Tagged(push.Counts.Refused, "result", "refused"),
                    Tagged(push.Counts.Void, "result", "void"),
                ]
        );
    }

    private void AddLogins(LoginService login)
    {
        Counter(
            "appliance.logins",
            "{login}",
            "Decided logins by outcome",
            () =>
            {
                var (inside, decided) = login.Journal.Counts();
                return [Tagged(inside, "outcome", "in"), Tagged(decided - inside, "outcome", "refused")];
            }
        );
        Gauge("appliance.logins.pending", "{login}", "Logins that wait for a second factor or a remote server", () => login.PendingCount);
    }

    private void AddRadius(RadiusClient radius)
    {
        Counter(
            "appliance.radius.requests",
            "{request}",
            "Access-Requests sent, retransmissions included",
            () => [new(radius.Counts().Requests)]
        );
        Counter(
            "appliance.radius.results",
            "{question}",
            "Completed RADIUS requests by result",
            () =>
            {
                var counts = radius.Counts();
                return
                [
                    Tagged(counts.Accepted, "result", "accept"),
                    Tagged(counts.Rejected, "result", "reject"),
                    Tagged(counts.Challenged, "result", "challenge"),
                    Tagged(counts.Unanswered, "result", "no_answer"),
                ];
            }
        );
        Counter(
            "appliance.radius.replies.refused",
            "{packet}",
            "Discarded RADIUS replies by reason",
            () =>
                Enum.GetValues<RadiusRefusal>().Select(reason => Tagged(radius.IgnoredFor(reason), "reason", RadiusGateway.Reason(reason)))
        );
        Gauge("appliance.radius.open", "{question}", "RADIUS requests that wait for a reply", () => radius.Counts().Open);
    }

    private void AddResources(StateDatabase state, DescriptorAlarm descriptors)
    {
        Gauge(
            "appliance.storage.failing",
            "1",
            "1 while the disk cannot be written (event 99165), else 0",
            () => [Tagged(state.Fault is null ? 0 : 1, "disk", "state")]
        );
        Counter(
            "appliance.storage.events.lost",
            "{event}",
            "Events lost while the disk could not be written",
            () => [new(state.Lost)]
        );
        Counter(
            "appliance.accept.exhausted",
            "{accept}",
            "Accepts without a free file descriptor",
            () => [new(descriptors.Count)]
        );
    }

    private static Measurement<long> Tagged(long value, string tag, string word) =>
        new(value, new KeyValuePair<string, object?>(tag, word));

    /// <summary>Spells a value as other tools do: <c>CredentialBad</c> is <c>credential_bad</c>.</summary>
    private static string Word(PushOutcome value) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private void Counter(string name, string unit, string description, Func<IEnumerable<Measurement<long>>> look) =>
        Meter.CreateObservableCounter(name, look, unit, description);

    private void Gauge(string name, string unit, string description, Func<IEnumerable<Measurement<long>>> look) =>
        Meter.CreateObservableGauge(name, look, unit, description);

    private void Gauge(string name, string unit, string description, Func<long> look) =>
        Meter.CreateObservableGauge(name, look, unit, description);
}
