using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Bench.PushLogin;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Certificates;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Bench.Soak;

/// <summary>The end of a login.</summary>
internal enum SoakEnd
{
    /// <summary>The client got its cookie.</summary>
    Approved,

    /// <summary>The phone denied, as it should.</summary>
    Denied,

    /// <summary>The login failed, or had another end than it should, and a fault of this login explains it.</summary>
    ByFault,

    /// <summary>It failed or ended late while the machine was slow (<see cref="SoakProbe"/>), so that a deadline may have passed.</summary>
    Slow,

    /// <summary>The login has no explanation.</summary>
    Unexplained,
}

/// <summary>Logs the users of a soak in, one after another at a rate, and accounts for every login by the lab's own events.</summary>
internal sealed class SoakLogins(IPEndPoint vpn, HttpClient lab, int users, SoakProbe probe)
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string LoginCheck = "/remote/logincheck";
    private const string FaultEvent = "0199000001";

    /// <summary>Faults that change nothing of a login's end: what they delay is within the push's life.</summary>
    private static readonly string[] Harmless = ["push.delay", "push.duplicate", "phone.offline", "callback.late", "callback.twice"];

    /// <summary>One login in this many is denied.</summary>
    private const int DenyEvery = 20;

    /// <summary>The time limit for the end of a login: the push lifetime, and a margin for a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(SoakPlan.PushLifeSeconds + 30);

    /// <summary>From which a client comes; the interface's own loopback address would do, too.</summary>
    private readonly SocketNic _nic = new("soak", IPAddress.Loopback);
#pragma warning disable CA5359 // The lab was started by this process.
    private readonly SslClientAuthenticationOptions _tls = new()
    {
        TargetHost = "soak",
        CertificateChainPolicy = TrustedPeer.NoPublicAuthorities(),
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
    };
#pragma warning restore CA5359
    private readonly ConcurrentDictionary<string, ConcurrentQueue<string>> _faults = new(StringComparer.Ordinal);
    private readonly List<(int Number, string User, bool Deny, string Result, long Began, long Ended)> _ended = [];
    private readonly Lock _lock = new();
    private long _lastEvent;

    /// <summary>Begins logins at a rate for a time, and returns when each has ended.</summary>
    public async Task RunAsync(TimeSpan duration, double rate, CancellationToken cancellationToken)
    {
        using var told = new CancellationTokenSource();
        var reading = ReadFaultsAsync(told.Token);
        var probing = probe.RunAsync(told.Token);
        var logins = new List<Task>();
        var began = LabClock.Wall.GetTimestamp();
        for (var number = 0; number < duration.TotalSeconds * rate && !cancellationToken.IsCancellationRequested; number++)
        {
            var due = TimeSpan.FromSeconds(number / rate) - LabClock.Wall.GetElapsedTime(began);
            if (due > TimeSpan.Zero)
            {
                await Task.Delay(due, LabClock.Wall, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            var mine = number;
            logins.Add(Task.Run(() => LogInAsync(mine), CancellationToken.None));
            logins.RemoveAll(login => login.IsCompletedSuccessfully);
        }
        await Task.WhenAll(logins);
        await told.CancelAsync();
        await reading;
        await probing;
        // The fault that decided a login was logged before the login ended.
        while (await ReadFaultsAsync(wait: 0, CancellationToken.None) > 0) { }
    }

    /// <summary>Every login with its end, in the order of their ends.</summary>
    public IReadOnlyList<(SoakEnd End, string User, string Result, string Fault)> Account()
    {
        lock (_lock)
        {
            return
            [
                .. _ended
                    .OrderBy(login => login.Number)
                    .Select(login =>
                    {
                        var right = login.Deny ? login.Result == "denied" : login.Result == "approved";
                        var fault =
                            !right && _faults.TryGetValue($"{login.User} {login.Number / users}", out var fired)
                                ? fired.FirstOrDefault(word => !Harmless.Contains(word)) ?? ""
                                : "";
                        var end = right
                            ? login.Deny
                                ? SoakEnd.Denied
                                : SoakEnd.Approved
                            : fault.Length > 0
                                ? SoakEnd.ByFault
                                : probe.WasSlowBetween(login.Began, login.Ended)
                                    ? SoakEnd.Slow
                                    : SoakEnd.Unexplained;
                        return (end, login.User, login.Result, fault);
                    }),
            ];
        }
    }

    private async Task LogInAsync(int number)
    {
        var user = number % users;
        var deny = number % DenyEvery == DenyEvery - 1;
        string result;
        var began = LabClock.Wall.GetTimestamp();
        try
        {
            if (deny)
            {
                await PhoneAsync(user, "deny");
            }
            _turns[SoakPlan.User(user)] = number / users;
            result = await LogInAsync(SoakPlan.User(user)).WaitAsync(Patience, LabClock.Wall);
            if (deny)
            {
                await PhoneAsync(user, "approve");
            }
        }
        catch (Exception failure)
            when (failure
                    is IOException
                        or TimeoutException
                        or HttpRequestException
                        or System.Security.Authentication.AuthenticationException
                        or OperationCanceledException
            )
        {
            result = $"{failure.GetType().Name}: {failure.Message}";
        }
        lock (_lock)
        {
            _ended.Add((number, SoakPlan.User(user), deny, result, began, LabClock.Wall.GetTimestamp()));
        }
    }

    private readonly ConcurrentDictionary<string, int> _turns = new(StringComparer.Ordinal);

    private async Task<string> LogInAsync(string user)
    {
        await using var line = await BenchLine.ConnectAsync(_nic, vpn, _tls, CancellationToken.None);
        var challenge = await line.ExchangeAsync(
            BenchLine.Post(LoginCheck, Form, $"username={user}&credential=p&realm=&ajax=1&just_logged_in=1")
        );
        var (request, policy, info) = (
            challenge.Between("reqid="u8, ",\r"u8),
            challenge.Between("polid="u8, ",\r"u8),
            challenge.Between("tokeninfo="u8, ",\r"u8)
        );
        if (info != "ftm_push")
        {
            return $"no push: {Text(challenge)}";
        }
        var answer = await line.ExchangeAsync(
            BenchLine.Post(LoginCheck, Form, $"username={user}&realm=&reqid={request}&polid={policy}&grp=&portal=&peer=&ftmpush=1")
        );
        var cookie = answer.Between("SVPNCOOKIE="u8, ";\r"u8);
        if (cookie.Length != 64)
        {
            return answer.Status == 405 || answer.Bytes.Span.IndexOf("ret=0"u8) >= 0 ? "denied" : Text(answer);
        }
        var goodbye = await line.ExchangeAsync(
            Encoding.ASCII.GetBytes($"GET /remote/logout HTTP/1.1\r\nHost: soak\r\nCookie: SVPNCOOKIE={cookie}\r\n\r\n")
        );
        return goodbye.Status == 200 ? "approved" : $"logout: {goodbye.Status}";
    }

    private static string Text(BenchAnswer answer) =>
        answer.Status.ToString(CultureInfo.InvariantCulture) + " " + Encoding.UTF8.GetString(answer.Bytes.Span).Split("\r\n\r\n", 2)[^1];

    private async Task PhoneAsync(int user, string mode) =>
        (await lab.PutAsJsonAsync($"/lab/phones/{SoakPlan.Serial(user)}", new JsonObject { ["mode"] = mode })).EnsureSuccessStatusCode();

    /// <summary>Follows the lab's events; each fault is put down for the login that its user has under way.</summary>
    private async Task ReadFaultsAsync(CancellationToken told)
    {
        try
        {
            while (true)
            {
                await ReadFaultsAsync(wait: 1, told);
            }
        }
        catch (OperationCanceledException) when (told.IsCancellationRequested)
        {
            // Every login has ended.
        }
    }

    /// <summary>Reads the events after the last one; how many there were.</summary>
    private async Task<int> ReadFaultsAsync(int wait, CancellationToken told)
    {
        var events = (
            await lab.GetFromJsonAsync<JsonArray>(
                string.Create(CultureInfo.InvariantCulture, $"/lab/events?after={_lastEvent}&wait={wait}"),
                told
            )
        )!;
        foreach (var entry in events)
        {
            _lastEvent = entry!["id"]!.GetValue<long>();
            if (
                entry["logid"]!.GetValue<string>() == FaultEvent
                && entry["fields"]!["user"]?.GetValue<string>() is { } user
                && _turns.TryGetValue(user, out var turn)
            )
            {
                _faults.GetOrAdd($"{user} {turn}", _ => new()).Enqueue(entry["fields"]!["fault"]!.GetValue<string>());
            }
        }
        return events.Count;
    }
}
