using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Phones;
using Appliance.Hal;
using Appliance.Lab.Api;
using Appliance.Tests.Sim;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Tests.Fuzz;

/// <summary>The readers of the lab: its API, and its input files.</summary>
internal static class LabTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("lab-api", "method and target on a line, then a body, to the lab API: a status under 500", LabApi)
        {
            AllocationBase = 1024 * 1024,
        },
        new(
            "faults",
            "a faults file: FormatException names the place",
            () => input => ProviderTargets.Refused<FormatException>(() => FaultText.Read(input))
        ),
        new(
            "board",
            "a board.json: FormatException names what is wrong",
            () =>
                input =>
                    ProviderTargets.Refused<FormatException>(() =>
                        BoardText.Read(BoardText.Parse(input, "fuzz/board.json"), "fuzz/board.json")
                    )
        )
        {
            AllocationBase = 128 * 1024,
        },
        new("clock-state", "clock.json: null when it is damaged", () => input => ClockState.Read(input)),
        new(
            "mqtt-address",
            "HOST:PORT[,…]: FormatException names what is wrong",
            () => input => ProviderTargets.Refused<FormatException>(() => MqttAddress.Parse(Encoding.UTF8.GetString(input)))
        ),
    ];

    /// <summary>The API on a fake appliance; its clock is stopped, and requests do not wait for events.</summary>
    private static Action<byte[]> LabApi()
    {
        using var key = ECDsa.Create();
        var unit = new FakeUnit(
            new CertificateRequest("CN=fuzz", key, HashAlgorithmName.SHA256).CreateSelfSigned(
                DateTimeOffset.UnixEpoch,
                DateTimeOffset.UnixEpoch.AddYears(100)
            )
        );
        LabApi? api = null;
        LabClock clock = null!;
        PhoneFleet phones = null!;
        LabFaults faults = null!;
        var served = 0;
        void Renew()
        {
            phones?.Dispose();
            faults?.Dispose();
            clock?.Dispose();
            clock = LabClock.Open(null, ClockRate.Frozen);
            faults = new LabFaults(clock);
            phones = new PhoneFleet(clock, NullLogger.Instance, faults: faults);
            phones.Attach(unit);
            unit.Clock = new(clock);
            faults.Attach(unit);
            api = new LabApi(clock, phones, NullLogger.Instance, faults);
            api.Attach(unit);
            unit.Scripts.Clear();
            unit.Entries.Clear();
        }
        return input =>
        {
            if (served++ % 100 == 0)
            {
                Renew();
            }
            var line = input.AsSpan().IndexOf((byte)'\n');
            if (
                line < 0
                || Encoding.UTF8.GetString(input.AsSpan(0, line)).Split(' ', 2) is not [var method, ['/', ..] target]
                || target.Contains("wait", StringComparison.Ordinal)
            )
            {
                return;
            }
            var context = new DefaultHttpContext();
            var query = target.IndexOf('?', StringComparison.Ordinal);
            context.Request.Method = method;
            context.Request.Host = new HostString("localhost");
            (context.Request.Path, context.Request.QueryString) =
                query < 0 ? (new PathString(target), default) : (new PathString(target[..query]), new QueryString(target[query..]));
            context.Request.Body = new MemoryStream(input, line + 1, input.Length - line - 1);
            context.Response.Body = new MemoryStream();
            api!.HandleAsync(context).GetAwaiter().GetResult();
            if (context.Response.StatusCode >= 500)
            {
                throw new InvalidOperationException(
                    $"status {context.Response.StatusCode}: {Encoding.UTF8.GetString(((MemoryStream)context.Response.Body).ToArray())}"
                );
            }
        };
    }
}
