using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// The login core with a clock that the test moves, over the ready-made lab's configuration; over a real state database if it has to
/// survive.
/// </summary>
internal sealed class LoginRig : IDisposable
{
    public static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    public static readonly RemoteVerdict Accepted = new RemoteVerdict.Accepted([]);
    public static readonly IPAddress Home = IPAddress.Parse("192.0.2.7");
    public static readonly IPAddress Elsewhere = IPAddress.Parse("203.0.113.9");

    /// <summary>No limit by source, so that a test may fail as often as it likes.</summary>
    public const string Patient = "config vpn ssl settings\nset login-attempt-limit 0\nend\n";

    private readonly DirectoryInfo? _folder;
    private StateDatabase? _state;
    private int _next;

    public LoginRig(string change = Patient, Personality? personality = null, LabPolicy? lab = null, bool durable = false)
    {
        Rules = RulesOf(change, personality, lab);
        if (durable)
        {
            _folder = Directory.CreateTempSubdirectory("appliance-login-");
            Boot();
        }
    }

    public LoginRules Rules { get; set; }

    public LoginCore Core { get; private set; } = new(new TokenCore());

    public DateTimeOffset Now { get; set; } = Start;

    public bool CanPush { get; set; } = true;

    /// <summary>Every step that was taken, oldest first.</summary>
    public List<LoginStep> Steps { get; } = [];

    public IEnumerable<string> EventReasons =>
        Steps
            .SelectMany(step => step.Events)
            .SelectMany(entry => entry.Fields)
            .Where(pair => pair.Name == "reason")
            .Select(pair => pair.Value);

    public IEnumerable<LoginFact> Facts => Steps.SelectMany(step => step.Facts).Select(fact => fact.Fact);

    public static LoginRules RulesOf(string change, Personality? personality = null, LabPolicy? lab = null) =>
        LoginRules.From(TreeOf(change, personality), lab);

    public static ConfigTree TreeOf(string change, Personality? personality = null)
    {
        var schema = personality is null ? StoreFolder.Schema : ConfigSchema.Load(personality);
        var (tree, ignored) = ConfigReader.Read(
            schema,
            LabBoard.DefaultConfiguration(personality) + change,
            _ => null,
            ImmutableDictionary<string, Func<string, bool>>.Empty
        );
        Assert.Empty(ignored);
        return tree;
    }

    /// <summary>
    /// The rules of the lab with an attribute of a user that no console, batch or file would store: a required attribute may be missing.
    /// </summary>
    public static LoginRules RulesWith(string change, string user = "ann")
    {
        var tree = TreeOf(Patient);
        var users = tree.List("user local");
        var entry = users.Find(user)!;
        return LoginRules.From(
            tree.With(
                "user local",
                users.With(
                    user,
                    change.Split(' ') switch
                    {
                        ["set", var name, var value] => entry.With(name, [value]),
                        ["unset", var name] => entry.Without(name),
                        _ => throw new ArgumentException($"'{change}' is neither set nor unset"),
                    }
                )
            )
        );
    }

    public static string AnnCode(DateTimeOffset at, int steps = 0) =>
        new Totp("lab-seed-of-ann-0001"u8.ToArray(), 60, OtpHashMode.Sha1, 6).ComputeTotp(at.AddSeconds(60 * steps).UtcDateTime);

    public string Ann(int steps = 0) => AnnCode(Now, steps);

    /// <summary>Returns the answer to the first factor. A remote server, if one is required, does not answer.</summary>
    public LoginAnswer? Login(
        string user = "ann",
        string? password = null,
        IPAddress? from = null,
        LoginKind kind = LoginKind.SslVpn,
        string realm = "",
        string code = "",
        RemoteVerdict? remote = null
    )
    {
        var number = ++_next;
        var draw = new LoginRandomness(new LoginHandle($"{number}", $"1-{number:x}"), 42, "135790");
        var request = new LoginRequest(user, password ?? user + "-password", realm, from ?? Home, kind) { Code = code, Nic = "port1" };
        var step = Take(Core.Start(request, Rules, _ => CanPush, draw, Now));
        return step.Remote is { } order ? Answer(order, remote ?? new RemoteVerdict.Unavailable("no answer")) : step.Answer;
    }

    /// <summary>Delivers a remote server's verdict on a request. Returns the answer for a waiting caller, or null.</summary>
    public LoginAnswer? Answer(RemoteOrder order, RemoteVerdict verdict, bool somebodyWaits = true)
    {
        var step = Take(Core.RemoteAnswered(order.RequestId, order.Number, verdict, somebodyWaits, Rules, _ => CanPush, Now));
        return step.Released.Select(released => released.Answer).SingleOrDefault();
    }

    public LoginAnswer.Challenge Challenge(string user = "ann", IPAddress? from = null, LoginKind kind = LoginKind.SslVpn) =>
        Assert.IsType<LoginAnswer.Challenge>(Login(user, from: from, kind: kind));

    public LoginAnswer? Code(
        LoginHandle handle,
        string code,
        IPAddress? from = null,
        string next = "",
        LoginKind kind = LoginKind.SslVpn
    ) => Take(Core.SubmitCode(handle, code, from ?? Home, Rules, _ => CanPush, Now, next, kind)).Answer;

    public LoginAnswer? Await(LoginHandle handle, IPAddress? from = null) =>
        Take(Core.AwaitPush(handle, from ?? Home, Rules, _ => CanPush, Now)).Answer;

    public bool Approve(LoginHandle handle, string? code = null, string number = "", bool somebodyWaits = true)
    {
        var (accepted, step) = Core.PushApproved(handle.RequestId, code ?? Ann(), number, Rules, Now);
        Take(step);
        if (accepted)
        {
            Take(Core.ConfirmPush(handle.RequestId, somebodyWaits, Rules, Now));
        }
        return accepted;
    }

    public bool Deny(LoginHandle handle)
    {
        var (accepted, step) = Core.PushDenied(handle.RequestId, Rules, Now);
        Take(step);
        return accepted;
    }

    public LoginStep Advance(double seconds)
    {
        Now += TimeSpan.FromMilliseconds((long)Math.Round(seconds * 1000));
        return Take(Core.Tick(Now));
    }

    /// <summary>Stops and starts: what remains is what the database has.</summary>
    public void Restart()
    {
        _state!.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Boot();
    }

    public void Dispose()
    {
        _state?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder?.Delete(recursive: true);
    }

    public LoginStep Take(LoginStep step)
    {
        Steps.Add(step);
        // Here every session opens immediately.
        foreach (
            var success in step
                .Released.Select(released => released.Answer)
                .Append(step.Answer)
                .OfType<LoginAnswer.Success>()
                .Where(success => success.Deciding is not null)
                .Distinct()
                .ToArray()
        )
        {
            step.Facts.AddRange(LoginService.FactsOf(success));
        }
        _state?.CommitAsync(step.Memory).AsTask().GetAwaiter().GetResult();
        return step;
    }

    private void Boot()
    {
        _state = StateDatabase.Open(Path.Combine(_folder!.FullName, "state.db"), LoginCore.Tables);
        Core = new LoginCore(new TokenCore(_state), _state);
    }
}
