using System.Text.Json;
using System.Text.Json.Serialization;

namespace Appliance.Bench.Callback;

/// <summary>One contender in one load: medians of the runs.</summary>
/// <param name="PerSecond">Requests answered a second.</param>
/// <param name="CpuMicroseconds">Processor time of a request, client and server together: what a loaded machine changes least.</param>
/// <param name="AllocatedBytes">Allocated for a request, client and server together.</param>
/// <param name="CommitsPerCallback">Durable transactions for a request; 0 where nothing is kept.</param>
internal sealed record CallbackRate(double PerSecond, double CpuMicroseconds, double AllocatedBytes, double CommitsPerCallback);

/// <summary>
/// A contender against another: the medians of the ratios of single runs, each taken next to the other. Above 1: better than the other.
/// </summary>
/// <param name="Rate">Requests a second, by the wall.</param>
/// <param name="Cpu">Requests for one second of processor time.</param>
internal sealed record CallbackRatio(double Rate, double Cpu);

/// <summary>A load without TLS on interfaces in memory.</summary>
/// <param name="Pipelined">Requests on a connection before the first answer is waited for; 1 is one at a time.</param>
/// <param name="Minimal">M: a minimal API.</param>
/// <param name="Lean">L: a lean application on Kestrel.</param>
/// <param name="Kestrel">K: Kestrel alone.</param>
/// <param name="Memory">The callback path, decisions in memory.</param>
/// <param name="Durable">The callback path as a unit has it: each decision on disk before its answer.</param>
internal sealed record CallbackPlain(
    int Pipelined,
    CallbackRate Minimal,
    CallbackRate Lean,
    CallbackRate Kestrel,
    CallbackRate Memory,
    CallbackRate Durable,
    CallbackRatio MemoryToMinimal,
    CallbackRatio MemoryToLean,
    CallbackRatio DurableToMinimal
);

/// <summary>A load over TLS, keep-alive, one at a time.</summary>
/// <param name="Over">The transport: memory or loopback.</param>
/// <param name="Nginx">nginx's static 200 answer to the same requests; null on interfaces in memory, or if nginx is not installed.</param>
internal sealed record CallbackTls(
    string Over,
    CallbackRate Minimal,
    CallbackRate Memory,
    CallbackRate Durable,
    CallbackRatio MemoryToMinimal,
    CallbackRatio DurableToMinimal,
    CallbackRate? Nginx,
    CallbackRatio? DurableToNginx
);

/// <summary>TLS handshakes a second, on interfaces in memory, client and server in one process.</summary>
/// <param name="KestrelFull">Bare Kestrel; no session is resumed.</param>
/// <param name="Full">The callback listener; no session is resumed.</param>
/// <param name="Resuming">The callback listener with clients that resume.</param>
/// <param name="FullToKestrel">The second over the first.</param>
/// <param name="ResumedByDefault">True if <c>openssl s_client</c> resumed its session; null without openssl.</param>
internal sealed record CallbackHandshakes(double KestrelFull, double Full, double Resuming, double FullToKestrel, bool? ResumedByDefault);

/// <summary>Pushes that wait for their answer.</summary>
/// <param name="Count">The number of pushes.</param>
/// <param name="BytesEach">Managed memory of one, its order and ids included; user and token belong to the configuration.</param>
/// <param name="NanosecondsAtThousand">Reading an id, finding and giving back its session among 1,000.</param>
/// <param name="NanosecondsAtAll">The same among all.</param>
/// <param name="NanosecondsOfMemory">One uncached memory access. A look-up among all takes several of them in sequence.</param>
/// <param name="CallbackRatio">What a whole callback (in memory, one at a time) costs among all, over what it costs among 1,000.</param>
internal sealed record CallbackSessions(
    int Count,
    double BytesEach,
    double NanosecondsAtThousand,
    double NanosecondsAtAll,
    double NanosecondsOfMemory,
    double CallbackRatio
);

/// <summary>A process that was killed (SIGKILL) under load.</summary>
/// <param name="Acknowledged">Decisions whose 200 a phone had read.</param>
/// <param name="Found">The number of those that the state database has.</param>
internal sealed record CallbackKilled(int Acknowledged, int Found);

/// <summary>The result of <c>bench callback</c>.</summary>
internal sealed record CallbackFigures(
    string Bench,
    int Phones,
    int Decisions,
    int Runs,
    IReadOnlyList<CallbackPlain> Plain,
    IReadOnlyList<CallbackTls> Tls,
    CallbackHandshakes Handshakes,
    CallbackSessions Sessions,
    CallbackKilled Killed,
    bool NginxMissing
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(CallbackFigures))]
internal sealed partial class CallbackBenchJson : JsonSerializerContext;
