using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The login dialog before a session, line by line: <c>HOST login:</c>, <c>Password:</c>, a new password if one is required, the banners.
/// Ends idle sessions after <c>admin-console-timeout</c> or <c>admintimeout</c>. After a session the dialog starts again.
/// </summary>
/// <param name="logins">Authenticates administrators.</param>
/// <param name="store">The configuration.</param>
/// <param name="time">The clock of the idle timeout.</param>
/// <param name="ui">The access method, as log events spell it.</param>
/// <param name="source">The client's address; null at the console.</param>
public sealed class ConsoleLogin(AdminLogin logins, ConfigStore store, TimeProvider time, string ui = "console", IPAddress? source = null)
{
    private const string Incorrect = "Login incorrect\n";
    private const int NameMax = 64;

    private readonly Lock _lock = new();
    private bool _isBusy;
    private DateTimeOffset _lastUsed;
    private ITimer? _idle;
    private Stage _stage;
    private string _name = "";
    private string _password = "";
    private Administrator? _candidate;
    private DateTimeOffset _began;
    private LoginAnswer.Challenge? _challenge;
    private IDisposable? _listed;

    /// <summary>The administrator that is logged in; null if none is.</summary>
    internal Administrator? Who { get; private set; }

    /// <summary>True while input must not be echoed.</summary>
    internal bool IsHidden => _stage is Stage.Password or Stage.Code or Stage.NewPassword or Stage.ConfirmPassword;

    /// <summary>True while a single key answers, without Enter.</summary>
    internal bool TakesKey => _stage == Stage.Banner;

    /// <summary>The current prompt of the dialog.</summary>
    internal string Prompt =>
        _stage switch
        {
            Stage.Name => (Global.Enabled("pre-login-banner") ? ConsoleBanner.BeforeLogin : "") + $"{Global.Text("hostname")} login: ",
            Stage.Password => "Password: ",
            // The device's prompt is not publicly documented.
            Stage.Code => $"{_challenge!.Text}: ",
            Stage.NewPassword => "New Password: ",
            Stage.ConfirmPassword => "Confirm Password: ",
            Stage.Banner => ConsoleBanner.AfterLogin + ConsoleBanner.Accept,
            _ => "",
        };

    private ConfigObject Global => store.Current.Object("system global");

    /// <summary>The idle timeout of a session.</summary>
    internal TimeSpan IdleTime
    {
        get
        {
            var profile = Who is { } who ? store.Current.List("system accprofile").Find(who.Profile) : null;
            return profile?.Enabled("admintimeout-override") == true ? TimeSpan.FromMinutes(profile.Number("admintimeout"))
                : source is null && Global.Number("admin-console-timeout") is > 0 and var seconds ? TimeSpan.FromSeconds(seconds)
                : TimeSpan.FromMinutes(Global.Number("admintimeout"));
        }
    }

    /// <summary>Called when the session ended because of the idle timeout. On the timer's thread, never while a line is executed.</summary>
    internal Action TimedOut { get; set; } = () => { };

    /// <summary>Called when another administrator ended the session. Never while a line is executed.</summary>
    internal Action Disconnected { get; set; } = () => { };

    /// <summary>True while a command is pending, so that the session is not idle. Set while a line is executed.</summary>
    internal bool IsHeld { get; set; }

    /// <summary>Runs a function during which the session is not idle.</summary>
    internal T Busy<T>(Func<T> serve)
    {
        lock (_lock)
        {
            _isBusy = true;
            try
            {
                return serve();
            }
            finally
            {
                _isBusy = false;
                _lastUsed = time.GetUtcNow();
            }
        }
    }

    /// <summary>Runs an action during which the session is not idle.</summary>
    internal void Busy(Action serve) =>
        Busy(() =>
        {
            serve();
            return true;
        });

    /// <summary>
    /// Handles a line of the login dialog; returns its output, without an error. A password or code is checked by
    /// <see cref="CliReply.Later"/>.
    /// </summary>
    internal CliReply Execute(string line)
    {
        switch (_stage)
        {
            case Stage.Name:
                // An invalid name is prompted for a password all the same, and fails like any other.
                _name = string.Concat(line.Trim().Where(character => !ControlCharacters.Includes(character)).Take(NameMax + 1));
                _stage = _name.Length > 0 ? Stage.Password : Stage.Name;
                return "";
            case Stage.Password:
                return Later(() => logins.CheckAsync(_name, line, ui, source));
            case Stage.Code:
                return Later(() => logins.CheckCodeAsync(_challenge!.Handle, line.Trim(), ui, source));
            case Stage.NewPassword:
                (_password, _stage) = (line, Stage.ConfirmPassword);
                return "";
            case Stage.ConfirmPassword:
                return Change(line);
            case Stage.Banner:
                return line == "a" ? Welcome() : "";
            default:
                throw new InvalidOperationException("an administrator is already logged in");
        }
    }

    /// <summary>Returns to the login prompt, after Ctrl-C or the end of a session.</summary>
    /// <param name="reason">The reason in the logout event (exit, timeout or disconnect) if an administrator was logged in.</param>
    internal void Restart(string reason)
    {
        if (Who is { } who)
        {
            logins.End(who, _began, reason);
        }
        _listed?.Dispose();
        (_stage, _name, _password, _candidate, _challenge, Who) = (Stage.Name, "", "", null, null, null);
        _idle?.Dispose();
        _idle = null;
    }

    /// <summary>Checks a password or code without holding a thread. The check cannot be cancelled, because its result is durable.</summary>
    private CliReply Later(Func<Task<AdminVerdict>> check) =>
        new("")
        {
            Later = async _ =>
            {
                var verdict = await check().ConfigureAwait(false);
                return Busy(() => Check(verdict));
            },
        };

    private string Check(AdminVerdict verdict)
    {
        _challenge = verdict.Challenge;
        if (_challenge is not null)
        {
            _stage = Stage.Code;
            return "";
        }
        if (verdict.Who is null)
        {
            _stage = Stage.Name;
            return Incorrect;
        }
        _candidate = verdict.Who;
        if (verdict.MustChangePassword)
        {
            _stage = Stage.NewPassword;
            return "You are forced to change your password. Please input a new password.\n";
        }
        return Accepted();
    }

    private string Change(string confirmation)
    {
        var (password, candidate) = (_password, _candidate!);
        (_password, _stage) = ("", Stage.NewPassword);
        if (password != confirmation)
        {
            return "Passwords do not match.\n";
        }
        if (password.Length == 0 || ControlCharacters.AnyIn(password))
        {
            return "The password must not be empty.\n";
        }
        var accounts = store.Current.List("system admin");
        if (
            CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(password),
                Encoding.UTF8.GetBytes(accounts.Find(candidate.Name)?.Text("password") ?? "")
            )
        )
        {
            return "The new password must differ from the old one.\n";
        }
        var (words, error) = accounts.Find(candidate.Name) is null
            ? ([], null)
            : ConfigValue.Check(accounts.Schema.Attribute("password")!, [password], null, _ => null);
        error ??= store.Commit(
            tree =>
                tree.List("system admin").Find(candidate.Name) is { } account
                    ? tree.With(
                        "system admin",
                        tree.List("system admin")
                            .With(
                                candidate.Name,
                                account.With("password", words).Without("force-password-change").Without("password-expire")
                            )
                    )
                    : tree,
            new ConfigAuthor(candidate.Name, candidate.Ui, Administrator.SuperAdmin)
        );
        return error is null ? Accepted() : error.Lines[0] + "\n";
    }

    private string Accepted()
    {
        if (Global.Enabled("post-login-banner"))
        {
            _stage = Stage.Banner;
            return "";
        }
        return Welcome();
    }

    private string Welcome()
    {
        (Who, _candidate, _stage, _began) = (_candidate, null, Stage.Done, time.GetUtcNow());
        logins.Begin(Who!, source);
        _listed = logins.Sessions.Begin(
            new AdminSession(Who!.Name, source is null ? "console" : "sshv2", "N/A", source?.ToString() ?? "N/A", _began),
            Disconnect
        );
        _idle = time.CreateTimer(_ => CheckIdle(), null, IdleTime, Timeout.InfiniteTimeSpan);
        return "Welcome!\n\n";
    }

    /// <summary>Ends the session for another administrator, after the line that is being executed.</summary>
    private void Disconnect()
    {
        lock (_lock)
        {
            if (Who is not null)
            {
                Disconnected();
            }
        }
    }

    private void CheckIdle()
    {
        lock (_lock)
        {
            // A line that advances the clock gets here on its own thread.
            var left = _isBusy || IsHeld ? IdleTime : _lastUsed + IdleTime - time.GetUtcNow();
            if (left > TimeSpan.Zero)
            {
                _idle?.Change(left, Timeout.InfiniteTimeSpan);
            }
            else if (Who is not null)
            {
                TimedOut();
            }
        }
    }

    private enum Stage
    {
        Name,
        Password,
        Code,
        NewPassword,
        ConfirmPassword,
        Banner,
        Done,
    }
}
