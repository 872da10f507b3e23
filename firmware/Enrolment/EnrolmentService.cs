using System.Globalization;
using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Enrolment;

/// <summary>
/// The token service: follows the configuration, provisions tokens and enrols phones. One lock guards the core. No result is returned and
/// no code sent before it is durable. Never changes the configuration while holding the lock.
/// </summary>
public sealed class EnrolmentService
{
    /// <summary>The code of the free trial, for <c>execute fortitoken-mobile import</c>.</summary>
    public const string TrialCode = "0000-0000-0000-0000-0000";

    private const string TokensPath = "user fortitoken";
    private const string TrialLicense = "FTMTRIAL";
    private const int TrialTokens = 2;

    private readonly Lock _lock = new();
    private readonly ConfigStore _config;
    private readonly TokenLife _life;
    private readonly LoginService _login;
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly CodeLetters _letters;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _numbers;

    /// <summary>Connects the core to its surroundings and brings it up to date with the configuration in force.</summary>
    public EnrolmentService(
        ConfigStore config,
        TokenLife life,
        LoginService login,
        StateDatabase state,
        EventLog events,
        CodeLetters letters,
        TimeProvider time,
        RandomNumberGenerator? numbers = null
    )
    {
        _config = config;
        _life = life;
        _login = login;
        _state = state;
        _events = events;
        _letters = letters;
        _time = time;
        _numbers = numbers ?? RandomNumberGenerator.Create();
        config.AddRule(TokenEntry.CheckOwners);
        config.AddConsequence(TokenEntry.Release);
        config.Live = Live;
        config.Committed += change => Follow(change.Previous, change.Next);
        Follow(config.Current, config.Current);
    }

    /// <summary>Returns every token with its drift and status, in configuration order.</summary>
    public IReadOnlyList<(TokenEntry Token, int Drift, TokenStatus Status)> Tokens()
    {
        var entries = TokenEntry.All(_config.Current);
        var now = _time.GetUtcNow();
        int[] drifts = [.. entries.Select(entry => TokenSeed.Parse(entry.Seed) is { } seed ? _login.Operator.DriftOf(seed) : 0)];
        lock (_lock)
        {
            return [.. entries.Select((entry, at) => (entry, drifts[at], _life.Status(entry, now)))];
        }
    }

    /// <summary>
    /// Provisions a mobile token that is assigned to a user, and sends a new activation code to that user. Also returns the code, which the
    /// administrator may display. Completes when it is durable.
    /// </summary>
    public async Task<(ActivationOrder? Order, ConfigError? Error)> ProvisionAsync(string serial)
    {
        var entry = TokenEntry.Find(_config.Current, serial);
        if (Missing(serial, entry, mobile: true) is { } error)
        {
            return (null, error);
        }
        if (entry!.Owner is null)
        {
            return (null, new ConfigError(-1, $"{serial} is not assigned to a user"));
        }
        if (entry.Locked)
        {
            return (null, new ConfigError(-1, $"{serial} is locked"));
        }
        TokenStep step;
        lock (_lock)
        {
            step = _life.Provision(entry, NewCode(), _time.GetUtcNow() + Life(_config.Current));
        }
        return await TrySettleAsync(step).ConfigureAwait(false) is { } failed ? (null, failed) : (step.Orders[0], null);
    }

    /// <summary>Repairs a token: clears its error and its lock, and provisions it if it is assigned to a user.</summary>
    public async Task<(ActivationOrder? Order, ConfigError? Error)> RenewAsync(string serial)
    {
        if (Missing(serial, TokenEntry.Find(_config.Current, serial), mobile: true) is { } error)
        {
            return (null, error);
        }
        if (_config.Commit(tree => Changed(tree, serial, entry => entry.Without("status"))) is { } refused)
        {
            return (null, refused);
        }
        TokenStep step;
        lock (_lock)
        {
            step = _life.Mend(serial);
        }
        return await TrySettleAsync(step).ConfigureAwait(false) is { } failed ? (null, failed)
            : TokenEntry.Find(_config.Current, serial) is { Owner: not null } ? await ProvisionAsync(serial).ConfigureAwait(false)
            : (null, null);
    }

    /// <summary>Activates hardware tokens one after another; returns the error of each, or null.</summary>
    public async Task<IReadOnlyList<(string Serial, ConfigError? Error)>> ActivateHardwareAsync(IReadOnlyList<string> serials)
    {
        var results = new List<(string Serial, ConfigError? Error)>();
        foreach (var serial in serials)
        {
            results.Add((serial, await ActivateHardwareAsync(serial).ConfigureAwait(false)));
        }
        return results;
    }

    /// <summary>Synchronizes a token by two consecutive codes. Returns null once it is durably synchronized.</summary>
    public async Task<ConfigError?> SynchronizeAsync(string serial, string code, string nextCode)
    {
        if (TokenEntry.Find(_config.Current, serial) is not { } entry)
        {
            return new ConfigError(-3, $"entry not found in datasource: {serial}");
        }
        ResyncOutcome outcome;
        try
        {
            outcome =
                !entry.Locked && TokenSeed.Parse(entry.Seed) is { } seed
                    ? (await _login.Operator.ResyncAsync(seed, code, nextCode).ConfigureAwait(false)).Outcome
                    : ResyncOutcome.Wrong;
        }
        catch (IOException failure)
        {
            return new ConfigError(-1, failure.Message);
        }
        _events.Write(TokenEvents.Synchronized(serial, outcome == ResyncOutcome.Synced));
        return outcome switch
        {
            ResyncOutcome.Synced => null,
            ResyncOutcome.SameCode => new ConfigError(-1, $"{serial}: the two codes are equal"),
            ResyncOutcome.Used => new ConfigError(-1, $"{serial}: the first code is consumed"),
            _ => new ConfigError(-1, $"{serial}: the two codes are not consecutive, or the drift is too large"),
        };
    }

    /// <summary>
    /// Logs that an administrator requested seeds from the token server and got none (*assumed*: a lab has no such server).
    /// </summary>
    public void SeedsNotFound(string serial) => _events.Write(TokenEvents.Refused(SeedFile.Shown(serial), "token not exist in FortiGuard"));

    /// <summary>Adds the unit's two free mobile tokens, with random serial numbers. Returns an error if it has them already.</summary>
    public (IReadOnlyList<string> Serials, ConfigError? Error) ImportTrial()
    {
        var license = TrialLicense + Number(4);
        List<string> serials = [];
        ConfigError? taken = null;
        var error = _config.Commit(tree =>
        {
            var table = tree.List(TokensPath);
            if (table.Entries.Any(token => token.Entry.Text("license").StartsWith(TrialLicense, StringComparison.Ordinal)))
            {
                taken = new ConfigError(-1, "The free trial tokens of this unit have been imported already.");
                return tree;
            }
            serials.Clear();
            while (serials.Count < TrialTokens)
            {
                // Never one of the lab's tokens, whose numbers begin with zeros.
                var serial = "FTKMOB" + Number(5);
                if (!serial.StartsWith("FTKMOB00", StringComparison.Ordinal) && table.Find(serial) is null)
                {
                    serials.Add(serial);
                    table = table.With(serial, new ConfigObject(table.Schema).With("license", [license]));
                }
            }
            return tree.With(TokensPath, table);
        });
        return (error ?? taken) is { } refused ? ([], refused) : (serials, null);
    }

    /// <summary>Adds hardware tokens with their seeds and drifts, all or none. Completes when they are durable.</summary>
    public async Task<ConfigError?> ImportSeedsAsync(IReadOnlyList<SeedRecord> seeds)
    {
        var refused = _config.Commit(tree =>
        {
            var table = tree.List(TokensPath);
            return tree.With(
                TokensPath,
                seeds.Aggregate(
                    table,
                    (all, seed) =>
                        all.With(seed.Serial, (all.Find(seed.Serial) ?? new ConfigObject(table.Schema)).With("seed", [seed.Seed]))
                )
            );
        });
        (TokenSeed, int)[] drifts = [.. seeds.Where(seed => seed.Drift != 0).Select(seed => (TokenSeed.Parse(seed.Seed)!, seed.Drift))];
        if (refused is not null || drifts.Length == 0)
        {
            return refused;
        }
        try
        {
            await _login.Operator.TakeDriftsAsync(drifts).ConfigureAwait(false);
            return null;
        }
        catch (IOException failure)
        {
            return new ConfigError(-1, $"the seeds are imported, their drifts are not: {failure.Message}");
        }
    }

    /// <summary>
    /// Activates a token with the activation code that a phone presents. On success, the code is consumed, and the seed, the registration
    /// and the version are in the configuration, all of it on disk.
    /// </summary>
    public async Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone)
    {
        if (phone.Mistake is { } mistake)
        {
            return new EnrolmentAnswer(EnrolmentAnswer.CodeInvalid, mistake);
        }
        ActivationOutcome outcome;
        string serial;
        TokenStep step;
        lock (_lock)
        {
            (outcome, serial, step) = _life.Present(phone.ActivationCode, _time.GetUtcNow());
        }
        await SettleAsync(step).ConfigureAwait(false);
        if (outcome != ActivationOutcome.Held)
        {
            // One message for all cases, so that guessing reveals nothing.
            return new EnrolmentAnswer(EnrolmentAnswer.CodeInvalid, "activation code invalid");
        }
        var (user, seed, error) = Store(serial, phone);
        if (error is not null)
        {
            lock (_lock)
            {
                _life.GiveBack(phone.ActivationCode);
            }
            return new EnrolmentAnswer(EnrolmentAnswer.NotNow, error.Lines[0]);
        }
        bool confirmed;
        lock (_lock)
        {
            (confirmed, step) = _life.Confirm(serial, phone.ActivationCode, _time.GetUtcNow());
        }
        await SettleAsync(step).ConfigureAwait(false);
        return confirmed
            ? new EnrolmentAnswer(0, "", serial, TokenSeed.Parse(seed), user)
            : new EnrolmentAnswer(EnrolmentAnswer.CodeInvalid, "activation code invalid");
    }

    private async Task<ConfigError?> ActivateHardwareAsync(string serial)
    {
        var entry = TokenEntry.Find(_config.Current, serial);
        if (Missing(serial, entry, mobile: false) is { } error)
        {
            return error;
        }
        (bool Done, TokenStep Step) activated;
        lock (_lock)
        {
            activated = _life.ActivateHardware(entry!, _time.GetUtcNow());
        }
        return await TrySettleAsync(activated.Step).ConfigureAwait(false)
            ?? (activated.Done ? null : new ConfigError(-1, $"{serial}: {TokenStatusText.Of(TokenStatus.ActivationError)}"));
    }

    /// <summary>Stores a fresh seed and the phone's registration in the configuration, if the token is still assigned to a user.</summary>
    private (string User, string Seed, ConfigError? Error) Store(string serial, PhoneEnrolment phone)
    {
        var seed = TokenEntry.MakeSeed(serial, RandomNumberGenerator.GetBytes(20));
        var user = "";
        var error = _config.Commit(tree =>
        {
            if (TokenEntry.Find(tree, serial) is not { Locked: false, Owner: { } owner })
            {
                return tree;
            }
            user = owner.Name;
            return Changed(
                tree,
                serial,
                entry => entry.With("seed", [seed]).With("reg-id", [phone.RegistrationId]).With("os-ver", [phone.OsVersion])
            );
        });
        return (user, seed, error ?? (user.Length == 0 ? new ConfigError(-1, $"{serial} is locked or not assigned") : null));
    }

    private void Follow(ConfigTree previous, ConfigTree next)
    {
        if (!ReferenceEquals(previous, next) && TokenEntry.Unchanged(previous, next))
        {
            return;
        }
        TokenStep step;
        lock (_lock)
        {
            step = _life.Follow(previous, next, NewCode, Life(next), _time.GetUtcNow());
        }
        // Not awaited: all of it follows from the configuration, which is on disk. A code is sent only after its own commit.
        WorkTracker.Run(WorkTracker.Of(_time), () => FinishAsync(step));
    }

    private async Task FinishAsync(TokenStep step)
    {
        try
        {
            await SettleAsync(step).ConfigureAwait(false);
        }
        catch (IOException failure)
        {
            _events.Write(TokenEvents.Refused("N/A", $"the state of the tokens was not saved: {failure.Message}"));
        }
    }

    private async Task<ConfigError?> TrySettleAsync(TokenStep step)
    {
        try
        {
            await SettleAsync(step).ConfigureAwait(false);
            return null;
        }
        catch (IOException failure)
        {
            return new ConfigError(-1, failure.Message);
        }
    }

    private async Task SettleAsync(TokenStep step)
    {
        foreach (var entry in step.Events)
        {
            _events.Write(entry);
        }
        await _state.CommitAsync(step.Memory).ConfigureAwait(false);
        foreach (var order in step.Orders)
        {
            _letters.Send(order);
        }
    }

    /// <summary>Adds the two read-only attributes. The code itself is never displayed: it appears as an asterisk.</summary>
    private ConfigTable Live(ConfigTable table)
    {
        if (table.Schema.Path != TokensPath)
        {
            return table;
        }
        lock (_lock)
        {
            return table.Entries.Aggregate(
                table,
                (shown, token) =>
                    _life.CodeExpires(token.Key) is { } expires
                        ? shown.With(
                            token.Key,
                            token
                                .Entry.With("activation-code", ["*"])
                                .With("activation-expire", [expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)])
                        )
                        : shown
            );
        }
    }

    private static ConfigError? Missing(string serial, TokenEntry? entry, bool mobile) =>
        entry is null ? new ConfigError(-3, $"entry not found in datasource: {serial}")
        : entry.Mobile != mobile ? new ConfigError(-1, $"{serial} is not a {(mobile ? "mobile" : "hardware")} token")
        : null;

    private static ConfigTree Changed(ConfigTree tree, string serial, Func<ConfigObject, ConfigObject> change) =>
        tree.List(TokensPath).Find(serial) is { } entry ? tree.With(TokensPath, tree.List(TokensPath).With(serial, change(entry))) : tree;

    private static TimeSpan Life(ConfigTree config) => TimeSpan.FromHours(config.Object("system global").Number("two-factor-ftm-expiry"));

    private string Number(int length)
    {
        var number = new byte[length];
        _numbers.GetBytes(number);
        return Convert.ToHexString(number);
    }

    private static string NewCode() => TokenLife.CodeOf(RandomNumberGenerator.GetBytes(10));
}
