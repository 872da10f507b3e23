using System.Net;
using System.Text;
using Appliance.Boot;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Mail;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Link;
using Microsoft.Extensions.Logging.Abstractions;
using Nerdbank.Streams;

namespace Appliance.Agent;

/// <summary>
/// The controller's agent in a test image. It starts the unit on request, runs console lines, reports the state of the box, and carries its
/// pushes to the controller's phones. It discloses more than any production box may: seeds, and the reasons of login decisions.
/// </summary>
internal sealed class LabAgent(Board board, string stateFolder) : IPushSender, IDisposable
{
    private readonly BoardHardware _hardware = BoardHardware.Open(board, TimeProvider.System, Console.Error.WriteLine);
    private readonly LinuxNics _nics = new(board);
    private readonly Lock _lock = new();
    private readonly AgentSteps _steps = new();
    private readonly HashSet<CliSession> _sessions = [];
    private readonly AgentChanges _changes = new();
    private readonly SemaphoreSlim _starting = new(1, 1);
    private MultiplexingStream? _link;
    private Unit? _unit;
    private (CancellationTokenSource Stop, Task Running)? _power;
    private ConfigTree? _seen;

    /// <summary>The newest session at the console port. A closed session displays nothing.</summary>
    private volatile CliSession? _port;
    private volatile bool _served;
    private long _version;
    private int _boots;
    private string? _off;

    /// <summary>Handles one controller connection until it closes.</summary>
    public async Task ServeAsync(Stream connection, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var link = _link = MultiplexingStream.Create(connection);
        using var cut = stop.Register(connection.Dispose);
        Task[] serving =
        [
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.Start,
                LinkJson.Default.LinkStart,
                LinkJson.Default.LinkState,
                StartAsync,
                ended.Token
            ),
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.State,
                LinkJson.Default.LinkAsk,
                LinkJson.Default.LinkState,
                ask => Task.FromResult(State(ask)),
                ended.Token
            ),
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.Board,
                LinkJson.Default.String,
                LinkJson.Default.LinkBoard,
                _ => Task.FromResult(Told()),
                ended.Token
            ),
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.Wait,
                LinkJson.Default.LinkAsk,
                LinkJson.Default.LinkState,
                ask => WaitAsync(ask, ended.Token),
                ended.Token
            ),
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.Console,
                channel => AgentConsole.ServeAsync(channel, OpenAsync, ended.Token),
                ended.Token
            ),
            LinkProtocol.ServeAsync(link, LinkProtocol.Cli, LinkJson.Default.String, LinkJson.Default.String, CliAsync, ended.Token),
            LinkProtocol.ServeAsync(link, LinkProtocol.Say, LinkJson.Default.String, LinkJson.Default.String, SayAsync, ended.Token),
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.SetPolicy,
                LinkJson.Default.LabPolicy,
                LinkJson.Default.LinkState,
                SetPolicyAsync,
                ended.Token
            ),
            LinkProtocol.ServeAsync(
                link,
                LinkProtocol.Enrol,
                LinkJson.Default.LinkEnrol,
                LinkJson.Default.LinkEnrolled,
                EnrolAsync,
                ended.Token
            ),
        ];
        await link
            .Completion.ContinueWith(
                static _ => { },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            )
            .ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(serving).ConfigureAwait(false);
    }

    /// <summary>Serves the console of the running unit at this program's terminal, until that hangs up.</summary>
    public async Task ServePortAsync(CancellationToken stop)
    {
        _served = true;
        try
        {
            await ConsolePort
                .ServeAsync(async waiting => _port = await OpenAsync(login: false, waiting).ConfigureAwait(false), stop)
                .ConfigureAwait(false);
        }
        finally
        {
            _served = false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        var push = new LinkPush(
            message.Recipient,
            message.TokenSerial,
            message.SessionId,
            message.CallbackHost,
            message.CallbackPort,
            message.User,
            message.ClientAddress.ToString(),
            message.Time,
            message.Expires,
            message.OsVersion,
            message.NumberMatch
        );
        try
        {
            return await LinkProtocol
                .CallAsync(_link!, LinkProtocol.Push, push, LinkJson.Default.LinkPush, LinkJson.Default.PushResult, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            return PushResult.Failed(PushOutcome.Unavailable, gone.Message);
        }
    }

    public void Dispose()
    {
        _nics.Dispose();
        _hardware.Dispose();
        _starting.Dispose();
    }

    /// <summary>Stops the unit, if one runs.</summary>
    public async Task StopAsync()
    {
        if (_power is not var (stop, running))
        {
            return;
        }
        _power = null;
        await stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await running.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The unit was starting.
        }
        stop.Dispose();
    }

    private Unit Running => _unit ?? throw new LinkException("no unit is running");

    private async Task<LinkState> StartAsync(LinkStart start)
    {
        await _starting.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!start.Fresh && _unit is null && _power is { Running: { IsCompleted: false } running })
            {
                // The unit restarts.
                await Task.WhenAny(running, UpAsync(CancellationToken.None)).ConfigureAwait(false);
            }
            if (start.Fresh || _unit is null)
            {
                await StopAsync().ConfigureAwait(false);
                await BeginAsync(start).ConfigureAwait(false);
            }
            return State(new LinkAsk(0, 0));
        }
        finally
        {
            _starting.Release();
        }
    }

    private async Task BeginAsync(LinkStart start)
    {
        if (start.Now is { } now)
        {
            SystemClock.Set(now);
        }
        var personality = Personality.Find(start.Personality) ?? throw new LinkException($"no release profile '{start.Personality}'");
        // Only the agent's own folder: files of other programs are never deleted.
        var own = Path.Combine(stateFolder, "unit");
        if (start.Fresh && Directory.Exists(own))
        {
            Directory.Delete(own, recursive: true);
        }
        lock (_lock)
        {
            (_seen, _boots, _off) = (null, 0, null);
        }
        _steps.Clear();
        var options = new UnitOptions(
            own,
            _nics.Nics,
            TimeProvider.System,
            this,
            start.Configuration,
            NullLoggerFactory.Instance,
            personality
        )
        {
            Board = board,
            Panel = _hardware.Panel,
            Cooling = _hardware.Cooling,
        };
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stop = new CancellationTokenSource();
        var running = RunAsync(options, up, stop.Token);
        _power = (stop, running);
        // Whichever comes first: the unit is up, or its start failed with a reason.
        await await Task.WhenAny(up.Task, running).ConfigureAwait(false);
    }

    private async Task RunAsync(UnitOptions options, TaskCompletionSource up, CancellationToken stop)
    {
        try
        {
            await BoardBoot.RunUnitsAsync(options, unit => ComeUp(unit, up), stop, GoDown).ConfigureAwait(false);
            _off = "";
        }
        catch (Exception failure) when (!stop.IsCancellationRequested)
        {
            _off = failure.Message;
            throw;
        }
        finally
        {
            _unit = null;
            _changes.Happened();
        }
    }

    private void ComeUp(Unit unit, TaskCompletionSource up)
    {
        var boot = _boots + 1;
        unit.Logins.Noted += step => Note(boot, step);
        unit.Events.Written += _ => _changes.Happened();
        // Committed is raised under the lock of the commit. A woken caller reads the state after the commit is in force.
        unit.Config.Committed += _ => _changes.Happened();
        (_unit, _boots) = (unit, boot);
        _changes.Happened();
        up.TrySetResult();
    }

    private void GoDown()
    {
        CliSession[] sessions;
        lock (_lock)
        {
            _unit = null;
            sessions = [.. _sessions];
            _sessions.Clear();
        }
        _changes.Happened();
        foreach (var session in sessions)
        {
            session.Close("The unit is stopping.\n");
        }
    }

    private void Note(int boot, LoginJournalStep step)
    {
        _steps.Add(new LinkStep(boot, step.LoginId, step.Time, step.Fact));
        _changes.Happened();
    }

    private LinkBoard Told() =>
        new(board.Name, [.. board.Nics.Select(nic => new LinkBoardNic(nic.Name, nic.Address.ToString(), nic.PrefixLength))]);

    private async Task<LinkState> WaitAsync(LinkAsk ask, CancellationToken stop)
    {
        await _changes.AfterAsync(ask.Change, LinkProtocol.WaitMax, stop).ConfigureAwait(false);
        return State(ask);
    }

    private async Task UpAsync(CancellationToken stop)
    {
        // The count is read before the unit is checked, so that a unit that starts in between wakes this loop immediately.
        for (var seen = _changes.Count; _unit is null; seen = _changes.Count)
        {
            await _changes.AfterAsync(seen, LinkProtocol.WaitMax, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Opens a session of the running unit, or of the next one.</summary>
    private async Task<CliSession> OpenAsync(bool login, CancellationToken stop)
    {
        while (true)
        {
            await UpAsync(stop).ConfigureAwait(false);
            lock (_lock)
            {
                if (_unit is { } unit)
                {
                    _sessions.RemoveWhere(session => session.Closed);
                    var session = login ? unit.OpenLoginConsole() : unit.OpenConsole();
                    _sessions.Add(session);
                    return session;
                }
            }
        }
    }

    private async Task<string> CliAsync(string script)
    {
        using var session = Running.OpenConsole();
        return await ConsoleStream.TranscriptAsync(session, script).ConfigureAwait(false);
    }

    /// <summary>Shows a word on a separate line at the console port. It leaves no trace in the unit.</summary>
    private Task<string> SayAsync(string word)
    {
        if (!_served)
        {
            throw new LinkException("it serves no console (Appliance.Agent --console), or its terminal has hung up");
        }
        _port?.Say(word + "\n");
        return Task.FromResult("");
    }

    private async Task<LinkState> SetPolicyAsync(LabPolicy policy)
    {
        await Running.SetLabPolicyAsync(policy).ConfigureAwait(false);
        return State(new LinkAsk(long.MaxValue, long.MaxValue));
    }

    private async Task<LinkEnrolled> EnrolAsync(LinkEnrol phone)
    {
        var answer = await Running
            .Enrolment.EnrolAsync(new PhoneEnrolment(phone.ActivationCode, phone.RegistrationId, phone.OsVersion))
            .ConfigureAwait(false);
        return new LinkEnrolled(answer.ErrorCode, answer.Message, answer.Serial);
    }

    private LinkState State(LinkAsk ask)
    {
        // Read before the state: a change in between is reported by the next answer.
        var change = _changes.Count;
        if (_unit is not { } unit)
        {
            return UnitReport.Off(_boots, ask, change, _off);
        }
        long version;
        lock (_lock)
        {
            var config = unit.Config.Current;
            if (!ReferenceEquals(config, _seen))
            {
                (_seen, _version) = (config, _version + 1);
            }
            version = _version;
        }
        var (steps, told) = _steps.After(ask.StepsAfter, LinkAsk.Most);
        return UnitReport.Of(unit, _boots, version, ask, change) with { Steps = steps, StepsTold = told };
    }
}
