using System.Globalization;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Bench.Models;

/// <summary>The model and the core disagree; the message names the seed and the operation.</summary>
public sealed class LoginModelException(string message) : Exception(message);

/// <summary>The counts of one run.</summary>
public sealed record LoginModelRun(
    int Operations,
    int Logins,
    int CodesAccepted,
    int PushesAccepted,
    int Resyncs,
    int Crashes,
    int Waits,
    int RemoteAccepts
);

/// <summary>
/// Random operations on the login core, checked step by step against a model that is too simple to be wrong: a set of used codes, and
/// for each login whether it may still succeed. Between a decision and its commit, and between commit and answer, the unit may crash; then
/// only what was committed is left. Time goes forward and back. One seed gives one run, always the same.
/// </summary>
internal sealed partial class LoginModel
{
    /// <summary>The operations, by the bounds of the random number that chooses one. The unit crashes if it is beyond all bounds.</summary>
    private static readonly (int Below, Action<LoginModel> Run)[] Operations =
    [
        (160, model => model.Begin()),
        (300, model => model.Submit(SubmittedCode.Right)),
        (400, model => model.Submit(SubmittedCode.Used)),
        (440, model => model.Submit(SubmittedCode.OfAnotherToken)),
        (470, model => model.Submit(SubmittedCode.Random)),
        (520, model => model.Submit(SubmittedCode.Drifted)),
        (560, model => model.SubmitAstray()),
        (620, model => model.AwaitPush()),
        (710, model => model.Approve(right: true)),
        (750, model => model.Approve(right: false)),
        (775, model => model.Deny()),
        (785, model => model.FailPush()),
        (805, model => model.Resync()),
        (930, model => model.MoveClock()),
        (960, model => model.Tick()),
        (975, model => model.ChangeRules()),
        (997, model => model._logins.RemoveAll(login => login.IsOver && model._random.Next(2) == 0)),
        (1035, model => model.BeginRemote()),
        (1095, model => model.RemoteVerdictComes()),
        (1145, model => model.AnswerRemote()),
        (1147, model => model._remotes.RemoveAll(login => login.IsOver)),
    ];

    private readonly Random _random;
    private readonly int _seed;
    private readonly LoginWorld _world;
    private readonly List<ModelLogin> _logins = [];
    private readonly Dictionary<string, HashSet<long>> _used = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _drifts = new(StringComparer.Ordinal);
    private readonly List<StateWrite> _committed = [];
    private StateDatabase _disk;
    private LoginCore _core;
    private DateTimeOffset _now;
    private bool _crashed;
    private int _operation;
    private int _next;
    private int _codes,
        _pushes,
        _resyncs,
        _crashes,
        _waits;

    private LoginModel(int seed, LoginWorld world, StateDatabase disk)
    {
        _seed = seed;
        _random = new Random(seed);
        _world = world;
        _disk = disk;
        _core = new LoginCore(new TokenCore(disk), disk);
        _now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(_random.Next(100_000_000));
    }

    /// <summary>Runs a number of operations.</summary>
    /// <exception cref="LoginModelException">A rule was broken.</exception>
    internal static async Task<LoginModelRun> RunAsync(int seed, int operations, LoginWorld world)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-model-");
        try
        {
            var model = new LoginModel(seed, world, Open(folder.FullName));
            try
            {
                for (model._operation = 1; model._operation <= operations; model._operation++)
                {
                    await model.OperateAsync(folder.FullName);
                }
            }
            finally
            {
                await model._disk.DisposeAsync();
            }
            return new LoginModelRun(
                operations,
                model._next,
                model._codes,
                model._pushes,
                model._resyncs,
                model._crashes,
                model._waits,
                model._remoteAccepts
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static StateDatabase Open(string folder) => StateDatabase.Open(Path.Combine(folder, "state.db"), LoginCore.Tables);

    private async Task OperateAsync(string folder)
    {
        var chosen = _random.Next(1150);
        if (Operations.FirstOrDefault(operation => chosen < operation.Below).Run is { } run)
        {
            run(this);
        }
        else
        {
            _crashed = true;
        }
        if (_crashed)
        {
            await CrashAsync(folder);
        }
    }

    /// <summary>
    /// Commits the writes of a step and delivers its answer; or the unit crashes before, or between. True if the answer is delivered.
    /// </summary>
    private bool Told(LoginStep step, Action? usedUp = null)
    {
        if (step.Memory.Count > 0 && _random.Next(150) == 0)
        {
            _crashed = true;
            if (_random.Next(2) == 0)
            {
                return false; // It is not on disk, and no caller was notified.
            }
            _committed.AddRange(step.Memory);
            usedUp?.Invoke(); // On disk without a notification: it must never count again.
            return false;
        }
        _committed.AddRange(step.Memory);
        usedUp?.Invoke();
        return true;
    }

    /// <summary>Restarts the unit from the committed state. No login outlives the crash.</summary>
    private async Task CrashAsync(string folder)
    {
        _crashed = false;
        _crashes++;
        await _disk.CommitAsync([.. _committed]);
        _committed.Clear();
        await _disk.DisposeAsync();
        _disk = Open(folder);
        _core = new LoginCore(new TokenCore(_disk), _disk);
        foreach (var login in _logins)
        {
            login.End("the unit was restarted");
        }
        foreach (var login in _remotes)
        {
            login.IsOver = true;
        }
    }

    private void MoveClock()
    {
        _now = _now.AddMilliseconds(
            _random.Next(10) switch
            {
                < 5 => _random.Next(20_000),
                < 8 => _random.Next(20_000, 150_000),
                8 => -_random.Next(300_000), // Set the clock back.
                _ => _random.Next(_random.Next(3) == 0 ? 200_000_000 : 600_000),
            }
        );
        // A phone's clock may run off, too.
        if (_random.Next(20) == 0)
        {
            _drifts[Pick(LoginWorld.Tokens).Serial] = _random.Next(-4, 5);
        }
    }

    private void Tick()
    {
        var step = _core.Tick(_now);
        foreach (var (requestId, answer) in step.Released)
        {
            Check(answer is LoginAnswer.Refused, "a login succeeded by time alone");
            Find(requestId)?.Expire(_now);
            _remotes.Find(login => login.Handle.RequestId == requestId)?.IsOver = true;
        }
        Told(step);
    }

    private void ChangeRules()
    {
        _world.Change(_random);
        var step = _core.RulesChanged(_world.Rules, _now);
        foreach (var (_, answer) in step.Released)
        {
            Check(answer is LoginAnswer.Refused, "a login succeeded by a change of the configuration");
        }
        foreach (var login in _logins.Where(login => !_world.MayLogIn(login.Person)))
        {
            login.End("the configuration changed");
        }
        if (!_world.MayLogInRemotely)
        {
            _remotes.ForEach(login => login.IsOver = true);
        }
        Told(step);
    }

    /// <summary>Returns mostly a login that may still succeed; null if there is none.</summary>
    private ModelLogin? PickLogin()
    {
        var alive = _random.Next(5) > 0 ? _logins.FindAll(login => !login.IsOver && _now < login.Deadline) : [];
        return alive.Count > 0 ? Pick(alive)
            : _logins.Count > 0 ? Pick(_logins)
            : null;
    }

    private ModelLogin? Find(string requestId) => _logins.Find(login => login.Handle.RequestId == requestId);

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    private void Check(bool holds, string broken)
    {
        if (!holds)
        {
            throw new LoginModelException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{broken} (operation {_operation}; repeat it: run bench login-model --seed {_seed})"
                )
            );
        }
    }
}
