using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware.Config;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Appliance.Lab.Units;
using Appliance.Tests.Radius;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OtpNet;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// A whole lab for one test: real sockets on loopback addresses reserved for it, a separate state folder, and a clock that is stopped at
/// the start of a time step until the test moves it.
/// </summary>
internal sealed class TestLab : IAsyncDisposable
{
    /// <summary>The ready-made lab's public seeds (sim/Lab/Composition/default.conf), in hexadecimal digits.</summary>
    public static readonly string AnnSeed = Convert.ToHexString("lab-seed-of-ann-0001"u8);
    public static readonly string DanSeed = Convert.ToHexString("lab-seed-of-dan-0003"u8);
    public static readonly string CatSeed = Convert.ToHexString("lab-seed-of-cat-0002"u8);

    public const string AnnSerial = "FTKMOB0000000001";
    public const string DanSerial = "FTKMOB0000000003";

    private readonly LoopbackNetwork _claim = LoopbackNetwork.Claim();
    private readonly DirectoryInfo _folder;
    private readonly Personality? _personality;
    private readonly ILoggerFactory _logs;
    private readonly PushOptions? _push;
    private readonly bool _lan;
    private readonly TimeProvider? _wall;
    private Laboratory _lab = null!;

    private TestLab(
        DirectoryInfo folder,
        Personality? personality,
        ILoggerFactory? logs,
        PushOptions? push,
        bool lan,
        TimeProvider? wall
    )
    {
        _folder = folder;
        _personality = personality;
        _logs = logs ?? NullLoggerFactory.Instance;
        _push = push;
        _lan = lan;
        _wall = wall;
    }

    /// <summary>The first three numbers of the lab's addresses.</summary>
    public string Network => _claim.Prefix;

    public string State => Path.Combine(_folder.FullName, "state");

    public string Port1 => Network + ".1";

    public string Port2 => Network + ".2";

    public string Vpn => $"{Port1}:10443";

    public HttpClient Api { get; private set; } = null!;

    public Laboratory Laboratory => _lab;

    public ILabUnit Unit => _lab.Unit;

    /// <summary>The address for phones of the network; null unless it was requested.</summary>
    public Uri? Lan => _lab.Api.Page.Lan;

    /// <summary>Completes after <c>execute shutdown</c>.</summary>
    public Task SwitchedOff => _lab.SwitchedOff;

    /// <summary>The FortiAuthenticator emulator, in a lab that was started with a policy for it.</summary>
    public FacServer Fac => _lab.Authenticator!.Server;

    public LabClock Clock => _lab.Clock;

    /// <summary>Proxy and doubles; null in a lab that goes straight to its phones.</summary>
    public Appliance.Doubles.PushProxy.PushPath? Push => _lab.Push;

    public static async Task<TestLab> StartAsync(
        string moreConfiguration = "",
        Personality? personality = null,
        ILoggerFactory? logs = null,
        PushOptions? push = null,
        string? fac = null,
        string? facClientCa = null,
        bool lan = false,
        TimeProvider? wall = null
    )
    {
        var lab = new TestLab(Directory.CreateTempSubdirectory("appliance-lab-"), personality, logs, push, lan, wall);
        await File.WriteAllTextAsync(
            Path.Combine(lab._folder.FullName, "first.conf"),
            LabBoard.DefaultConfiguration(personality, lab.Network)
                + (fac is null ? "" : LabBoard.AuthenticatorConfiguration(IPAddress.Parse(lab.Network + ".10")))
                + moreConfiguration
        );
        File.Copy(LabBoard.File("desktop"), Path.Combine(lab._folder.FullName, "board.json"));
        if (fac is not null)
        {
            await File.WriteAllTextAsync(
                Path.Combine(lab._folder.FullName, "fac.json"),
                FacFixture.Json(lab.Network + ".10", fac, clientCa: facClientCa)
            );
        }
        await lab.BootAsync();
        await lab.AdvanceAsync(60 - (lab.Clock.GetUtcNow().ToUnixTimeSeconds() % 60));
        return lab;
    }

    /// <summary>Stops it cleanly and boots again from its state.</summary>
    public async Task RestartAsync()
    {
        Api.Dispose();
        await _lab.DisposeAsync();
        await BootAsync();
    }

    public async Task<string> CliAsync(params string[] lines) => await CliTextAsync(string.Join('\n', lines) + "\n");

    public async Task<string> CliTextAsync(string script)
    {
        using var answer = await Api.PostAsync("/lab/cli", new StringContent(script));
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }

    public async Task AdvanceAsync(long seconds) =>
        (await Api.PostAsJsonAsync("/lab/clock", new { advanceSeconds = seconds })).EnsureSuccessStatusCode();

    /// <summary>Waits until a phone shows a push.</summary>
    public Task PushPendingAsync(string serial = AnnSerial) =>
        Until.TrueAsync(async () => (await PhoneAsync(serial))["pending"]!.AsArray().Count > 0, $"a push on the phone of {serial}");

    public async Task<JsonNode> PhoneAsync(string serial = AnnSerial) =>
        (await Api.GetFromJsonAsync<JsonArray>("/lab/phones"))!.Single(phone => phone!["serial"]!.GetValue<string>() == serial)!;

    public async Task<HttpStatusCode> AnswerAsync(string decision, string serial = AnnSerial)
    {
        using var answer = await Api.PostAsync($"/lab/phones/{serial}/{decision}", null);
        return answer.StatusCode;
    }

    /// <summary>Returns the appliance's status for the phone's answer; null if the phone got none.</summary>
    public async Task<int?> AnswerStatusAsync(string decision, string serial = AnnSerial)
    {
        using var answer = await Api.PostAsync($"/lab/phones/{serial}/{decision}", null);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>())!["answered"]?.GetValue<int>();
    }

    public Task PhoneModeAsync(object mode, string serial = AnnSerial) => PutAsync($"/lab/phones/{serial}", mode);

    /// <summary>Returns the code of the current time step, by Otp.NET: another implementation than the appliance's.</summary>
    /// <param name="seedHex">The seed in hexadecimal digits.</param>
    /// <param name="secondsAhead">How far the token's clock is ahead of the lab's.</param>
    public string Code(string seedHex, long secondsAhead = 0) =>
        new Totp(Convert.FromHexString(seedHex), 60, OtpHashMode.Sha1, 6).ComputeTotp(Clock.GetUtcNow().AddSeconds(secondsAhead).UtcDateTime);

    /// <summary>Waits for an event and returns its line.</summary>
    public async Task<string> EventAsync(string logId)
    {
        string? Line() => EventLines().FirstOrDefault(line => line.Contains($"logid=\"{logId}\"", StringComparison.Ordinal));
        await Until.TrueAsync(() => Line() is not null, $"event {logId}");
        return Line()!;
    }

    public IReadOnlyList<string> EventLines() => [.. Unit.EventsAfter(0, 10_000).Select(record => record.Line)];

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await _lab.DisposeAsync();
        _claim.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task PutAsync(string path, object body) => (await Api.PutAsJsonAsync(path, body)).EnsureSuccessStatusCode();

    private async Task BootAsync()
    {
        _lab = await Laboratory.StartAsync(
            new LabOptions(
                State,
                Path.Combine(_folder.FullName, "first.conf"),
                Path.Combine(_folder.FullName, "board.json"),
                _wall is null ? ClockRate.Frozen : ClockRate.Real,
                0,
                _personality,
                _push
            )
            {
                Strict = true,
                Network = Network,
                Wall = _wall,
                LabListen = _lan ? new IPEndPoint(IPAddress.Parse(Network + ".99"), 0) : null,
            },
            _logs,
            CancellationToken.None
        );
        Api = new HttpClient { BaseAddress = _lab.Api.Address };
    }
}
