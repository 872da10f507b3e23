using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Administrators;

/// <summary>The answer to name and password, or to a code.</summary>
/// <param name="Who">Not null: let in.</param>
/// <param name="Challenge">Not null: a second factor is wanted.</param>
/// <param name="MustChangePassword">True when a new password must be set before anything else.</param>
public sealed record AdminVerdict(Administrator? Who, LoginAnswer.Challenge? Challenge = null, bool MustChangePassword = false);

/// <summary>
/// Lets administrators in: by the login core, whose limits, tokens and used codes are those of all who log in. Thread-safe; an answer is
/// given once what it rests on is durable.
/// </summary>
public sealed class AdminLogin(ConfigStore store, LoginService login, PasswordHistory passwords, EventLog events, TimeProvider time)
{
    /// <summary>The administrators that are logged in.</summary>
    public AdminSessions Sessions { get; } = new();

    /// <summary>Checks name and password.</summary>
    /// <param name="name">As typed.</param>
    /// <param name="password">As typed; an account without one takes the empty one, at the console alone.</param>
    /// <param name="ui">The way in: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
    /// <param name="source">From where; null at the console.</param>
    public async Task<AdminVerdict> CheckAsync(string name, string password, string ui, IPAddress? source) =>
        Verdict(await login.StartAsync(new LoginRequest(name, password, "", source ?? IPAddress.None, LoginKind.Admin) { Via = ui, TakesPush = false }).ConfigureAwait(false), ui);

    /// <summary>Checks a code for a login that wants one.</summary>
    public async Task<AdminVerdict> CheckCodeAsync(LoginHandle handle, string code, string ui, IPAddress? source) =>
        Verdict(await login.SubmitCodeAsync(handle, code, source ?? IPAddress.None, CancellationToken.None, kind: LoginKind.Admin).ConfigureAwait(false), ui);

    /// <summary>Writes the end of a session.</summary>
    /// <param name="who">Whose.</param>
    /// <param name="began">When he was let in.</param>
    /// <param name="reason">exit or timeout.</param>
    public void End(Administrator who, DateTimeOffset began, string reason) => events.Write(AdminEvents.LoggedOut(who, began, time.GetUtcNow(), reason));

    /// <summary>Writes that a session begins: after the password, and whatever had to be done before it.</summary>
    public void Begin(Administrator who, IPAddress? source) => events.Write(AdminEvents.LoggedIn(who, source, time.GetUtcNow()));

    private AdminVerdict Verdict(LoginAnswer answer, string ui)
    {
        if (answer is not LoginAnswer.Success success)
        {
            return new AdminVerdict(null, answer as LoginAnswer.Challenge);
        }
        var config = store.Current;
        return AdminAccounts.Find(config, success.Grant.User) is { } account
            ? new AdminVerdict(new Administrator(account.Name, account.Profile, ui), MustChangePassword: MustChange(account, config, time.GetUtcNow()))
            : new AdminVerdict(null);
    }

    private bool MustChange(AdminAccount account, ConfigTree config, DateTimeOffset now) =>
        account.Entry.Enabled("force-password-change") || (account.Password.Length > 0 && passwords.IsExpired(config, account.Name, account.Entry.Text("password-expire"), now));
}
