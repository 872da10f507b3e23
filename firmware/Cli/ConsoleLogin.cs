using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The dialog before a session, line by line: <c>HOST login:</c>, <c>Password:</c>, a new password where one is due, the banners; and the
/// end of a session by itself, after <c>admin-console-timeout</c> or <c>admintimeout</c>. After a session it begins anew.
/// </summary>
/// <param name="logins">Lets administrators in.</param>
/// <param name="store">The configuration.</param>
/// <param name="time">For the idle time.</param>
/// <param name="ui">The way in, as events spell it.</param>
/// <param name="source">From where; null at the console.</param>
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

    private enum Stage { Name, Password, Code, NewPassword, ConfirmPassword, Banner, Done }

    /// <summary>Who is logged in; null while nobody is.</summary>
    internal Administrator? Who { get; private set; }

    /// <summary>True while what is typed must not be shown.</summary>
    internal bool IsHidden => _stage is Stage.Password or Stage.Code or Stage.NewPassword or Stage.ConfirmPassword;

    /// <summary>True while one key answers, without Enter.</summary>
    internal bool TakesKey => _stage == Stage.Banner;

    /// <summary>What is asked.</summary>
    internal string Prompt => _stage switch
    {
        Stage.Name => (Global.Enabled("pre-login-banner") ? ConsoleBanner.BeforeLogin : "") + $"{Global.Text("hostname")} login: ",
        Stage.Password => "Password: ",
        // The prompt of the device is not public.
        Stage.Code => $"{_challenge!.Text}: ",
        Stage.NewPassword => "New Password: ",
        Stage.ConfirmPassword => "Confirm Password: ",
        Stage.Banner => ConsoleBanner.AfterLogin + ConsoleBanner.Accept,
        _ => "",
    };

    private ConfigObject Global => store.Current.Object("system global");

    /// <summary>How long a session may be idle.</summary>
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

    /// <summary>Called when a session was idle for too long: it is over. On the clock's thread, never while a line is served.</summary>
    internal Action TimedOut { get; set; } = () => { };

    /// <summary>Called when another administrator ended the session. Never while a line is served.</summary>
    internal Action Disconnected { get; set; } = () => { };

    /// <summary>True while a command waits for its answer: the session is not idle. Set while a line is served.</summary>
    internal bool IsHeld { get; set; }

    /// <summary>Serves a line: the session is not idle meanwhile.</summary>
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

    /// <summary>The same for what shows nothing.</summary>
    internal void Busy(Action serve) => Busy(() =>
    {
        serve();
        return true;
    });

    /// <summary>Takes a typed line while nobody is logged in; what is printed.</summary>
    internal string Execute(string line)
    {
        switch (_stage)
        {
            case Stage.Name:
                // A name that could not be one is asked for a password all the same, and fails as any other.
                _name = string.Concat(line.Trim().Where(character => !ControlCharacters.Includes(character)).Take(NameMax + 1));
                _stage = _name.Length > 0 ? Stage.Password : Stage.Name;
                return "";
            case Stage.Password:
                // A console asks one thing at a time: nobody else waits for this commit.
                return Check(logins.CheckAsync(_name, line, ui, source).GetAwaiter().GetResult());
            case Stage.Code:
                return Check(logins.CheckCodeAsync(_challenge!.Handle, line.Trim(), ui, source).GetAwaiter().GetResult());
            case Stage.NewPassword:
                (_password, _stage) = (line, Stage.ConfirmPassword);
                return "";
            case Stage.ConfirmPassword:
                return Change(line);
            case Stage.Banner:
                return line == "a" ? Welcome() : "";
            default:
                throw new InvalidOperationException("somebody is logged in");
        }
    }

    /// <summary>Ctrl-C, or the end of a session: asks for a name again.</summary>
    /// <param name="reason">exit or timeout; told in an event when somebody was logged in.</param>
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
        if (CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(password), Encoding.UTF8.GetBytes(accounts.Find(candidate.Name)?.Text("password") ?? "")))
        {
            return "The new password must differ from the old one.\n";
        }
        var (words, error) = accounts.Find(candidate.Name) is null ? ([], null) : ConfigValue.Check(accounts.Schema.Attribute("password")!, [password], null, _ => null);
        error ??= store.Commit(
            tree => tree.List("system admin").Find(candidate.Name) is { } account
                ? tree.With("system admin", tree.List("system admin").With(candidate.Name, account.With("password", words).Without("force-password-change").Without("password-expire")))
                : tree,
            new ConfigAuthor(candidate.Name, candidate.Ui, Administrator.SuperAdmin));
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
        _listed = logins.Sessions.Begin(new AdminSession(Who!.Name, source is null ? "console" : "sshv2", "N/A", source?.ToString() ?? "N/A", _began), Disconnect);
        _idle = time.CreateTimer(_ => CheckIdle(), null, IdleTime, Timeout.InfiniteTimeSpan);
        return "Welcome!\n\n";
    }

    /// <summary>Waits for the line that is being served.</summary>
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
            // A line that moves the clock on comes here on its own thread.
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
}
