using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>
/// Logins, for the clients of every access method. A client that waits for a phone holds a task and no thread. An answer is given only
/// after the state that it depends on is durable. Thread-safe.
/// </summary>
public sealed class LoginService : IConfigSubscriber, IDisposable
{
    private readonly LoginCore _core;
    private readonly LoginShell _shell;
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly LoginDebug _debug;

    /// <summary>Connects the core with the state database, the events and the clock.</summary>
    /// <param name="tokens">The consumed steps and drifts of tokens.</param>
    /// <param name="state">The database, which is read during this call.</param>
    /// <param name="events">The event log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="debug">Receives the lines of <c>diagnose debug application fnbamd</c>.</param>
    /// <param name="gateways">Phones, mailboxes and remote servers; null for none.</param>
    public LoginService(
        TokenCore tokens,
        StateDatabase state,
        EventLog events,
        TimeProvider time,
        DebugTap debug,
        LoginGateways? gateways = null
    )
    {
        Gateways = gateways ?? new LoginGateways();
        _core = new LoginCore(tokens, state);
        _state = state;
        _events = events;
        _debug = new LoginDebug(debug);
        _shell = new LoginShell(_core, state, events, time, _debug, Gateways);
        Journal.Noted += _debug.Noted;
        Phones = new PhoneAnswers(_core, _shell, _debug, Gateways);
        Operator = new LoginOperator(_core, _shell, tokens);
    }

    /// <summary>The services through which logins reach phones, mailboxes and remote servers.</summary>
    public LoginGateways Gateways { get; }

    /// <summary>The answers of phones.</summary>
    public PhoneAnswers Phones { get; }

    /// <summary>The commands of operators.</summary>
    public LoginOperator Operator { get; }

    /// <summary>The newest logins, step by step.</summary>
    public LoginJournal Journal => _shell.Journal;

    /// <summary>The lab policy.</summary>
    public LabPolicy LabPolicy => _shell.Lab;

    /// <summary>The number of logins that wait for a second factor.</summary>
    public int PendingCount => _shell.Read(_ => _core.PendingCount);

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next) => null;

    /// <inheritdoc/>
    public void InForce(ConfigTree previous, ConfigTree next) => _shell.Use(next);

    /// <summary>Sets the lab policy; completes when it is durable and in force.</summary>
    public async Task SetLabPolicyAsync(LabPolicy policy)
    {
        var (before, writes) = _shell.Use(policy);
        try
        {
            await _state.CommitAsync(writes).ConfigureAwait(false);
        }
        catch (IOException)
        {
            _shell.Use(before);
            throw;
        }
        if (policy.ChangesFrom(before) is { Length: > 0 } changes)
        {
            _events.Write(LoginEvents.PolicyChanged(changes));
        }
    }

    /// <summary>
    /// Evaluates a first factor. Completes without waiting for the second factor; with a remote server, no later than remoteauthtimeout
    /// allows.
    /// </summary>
    public Task<LoginAnswer> StartAsync(LoginRequest request)
    {
        var draw = NewDraw();
        return _shell.AnswerOrWaitAsync(
            draw.Handle.RequestId,
            (rules, now) =>
            {
                var step = _core.Start(request, rules, _shell.CanPush, draw, now);
                _debug.Started(request, draw.Handle, step, rules.Deadlines);
                return step;
            },
            CancellationToken.None
        );
    }

    /// <summary>Evaluates a typed code. An empty one waits for the phone while a push is pending.</summary>
    /// <param name="handle">The pending login.</param>
    /// <param name="code">The code.</param>
    /// <param name="source">The client's address.</param>
    /// <param name="cancellationToken">Cancelled when the client disconnects.</param>
    /// <param name="nextCode">The token's next code, if the client sent it as well; otherwise "".</param>
    /// <param name="kind">The access method.</param>
    public Task<LoginAnswer> SubmitCodeAsync(
        LoginHandle handle,
        string code,
        IPAddress source,
        CancellationToken cancellationToken,
        string nextCode = "",
        LoginKind kind = LoginKind.SslVpn
    ) =>
        _shell.AnswerOrWaitAsync(
            handle.RequestId,
            (rules, now) =>
            {
                var step = _core.SubmitCode(handle, code, source, rules, _shell.CanPush, now, nextCode, kind);
                _debug.CodeTyped(handle, step);
                return step;
            },
            cancellationToken
        );

    /// <summary>Waits for the phone, without a thread.</summary>
    public Task<LoginAnswer> AwaitPushAsync(
        LoginHandle handle,
        IPAddress source,
        CancellationToken cancellationToken,
        LoginKind kind = LoginKind.SslVpn
    ) =>
        _shell.AnswerOrWaitAsync(
            handle.RequestId,
            (rules, now) =>
            {
                var step = _core.AwaitPush(handle, source, rules, _shell.CanPush, now, kind);
                _debug.PushAwaited(handle, step);
                return step;
            },
            cancellationToken
        );

    /// <summary>True for the empty realm and for those that a rule names.</summary>
    public bool IsRealm(string realm) => _shell.Read(rules => rules?.Policy.IsRealm(realm) == true);

    /// <inheritdoc/>
    public void Dispose() => _shell.Dispose();

    /// <summary>Reports the outcome of a granted SSL VPN login: once for each such <see cref="LoginAnswer.Success"/>.</summary>
    /// <param name="success">The answer.</param>
    /// <param name="refused">The reason that there is no session; null if it is open and durable.</param>
    internal void Complete(LoginAnswer.Success success, Refusal? refused = null)
    {
        if (success.Deciding is not { } deciding)
        {
            return;
        }
        var (grant, now) = (success.Grant, _shell.Now);
        if (refused is not { } reason)
        {
            _events.Write(LoginEvents.Succeeded(grant));
            Journal.Add(FactsOf(success), now);
            return;
        }
        _events.Write(LoginEvents.Refused(new LoginRequest(grant.User, "", grant.Realm, grant.Source, grant.Kind), grant.User, reason));
        Journal.Add(
            [
                (success.LoginId, deciding),
                (
                    success.LoginId,
                    new LoginFact("session", $"not opened: {LoginEvents.Word(reason)}", reason == Refusal.Storage ? LoginSetting.Disk : "")
                    {
                        Decides = true,
                    }
                ),
            ],
            now
        );
    }

    /// <summary>Returns the journal's facts of a login whose session is open: the step that decided it, and the success.</summary>
    internal static List<(long LoginId, LoginFact Fact)> FactsOf(LoginAnswer.Success success) =>
        [
            (success.LoginId, success.Deciding! with { Decides = true }),
            (success.LoginId, new LoginFact(LoginFact.Login, "in") { Subject = success.Grant.User }),
        ];

    /// <summary>
    /// Generates all random values of a login in one call, because each call costs as much as the digits of all. The two numbers are
    /// uniform except for one part in 2^44.
    /// </summary>
    private static LoginRandomness NewDraw()
    {
        Span<byte> random = stackalloc byte[41];
        RandomNumberGenerator.Fill(random);
        var requestId = new UInt128(BitConverter.ToUInt32(random), BitConverter.ToUInt64(random[4..])).ToString(
            CultureInfo.InvariantCulture
        );
        return new LoginRandomness(
            new LoginHandle(requestId, "1-" + Convert.ToHexStringLower(random[12..25])),
            10 + (int)(BitConverter.ToUInt64(random[25..]) % 90),
            OneTimeCodes.CodeOf(BitConverter.ToUInt64(random[33..]))
        );
    }
}
