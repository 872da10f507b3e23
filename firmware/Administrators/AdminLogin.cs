using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;

namespace Appliance.Firmware.Administrators;

/// <summary>The result of checking a name and password, or a code.</summary>
/// <param name="Who">The administrator, if the login is granted; otherwise null.</param>
/// <param name="Challenge">The challenge, if a second factor is required; otherwise null.</param>
/// <param name="MustChangePassword">True if the administrator must set a new password before anything else.</param>
public sealed record AdminVerdict(Administrator? Who, LoginAnswer.Challenge? Challenge = null, bool MustChangePassword = false);

/// <summary>
/// Authenticates administrators through the login core. Limits, tokens and consumed codes are shared with all other logins. Thread-safe. A
/// result is returned once the state that it depends on is durable.
/// </summary>
public sealed class AdminLogin(ConfigStore store, LoginService login, PasswordHistory passwords, EventLog events, TimeProvider time)
{
    /// <summary>The sessions of the administrators that are logged in.</summary>
    public AdminSessions Sessions { get; } = new();

    /// <summary>Checks a name and password.</summary>
    /// <param name="name">The name as typed.</param>
    /// <param name="password">The password as typed. An account without a password accepts the empty one, at the console alone.</param>
    /// <param name="ui">The access method: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
    /// <param name="source">The client's address; null at the console.</param>
    public async Task<AdminVerdict> CheckAsync(string name, string password, string ui, IPAddress? source) =>
        Verdict(
            await login
                .StartAsync(new LoginRequest(name, password, "", source ?? IPAddress.None, LoginKind.Admin) { Via = ui, TakesPush = false })
                .ConfigureAwait(false),
            ui
        );

    /// <summary>Checks the code of a login that requires a second factor.</summary>
    public async Task<AdminVerdict> CheckCodeAsync(LoginHandle handle, string code, string ui, IPAddress? source) =>
        Verdict(
            await login
                .SubmitCodeAsync(handle, code, source ?? IPAddress.None, CancellationToken.None, kind: LoginKind.Admin)
                .ConfigureAwait(false),
            ui
        );

    /// <summary>Logs the end of a session.</summary>
    /// <param name="who">The administrator.</param>
    /// <param name="began">The start of the session.</param>
    /// <param name="reason">The reason: exit or timeout.</param>
    public void End(Administrator who, DateTimeOffset began, string reason) =>
        events.Write(AdminEvents.LoggedOut(who, began, time.GetUtcNow(), reason));

    /// <summary>Logs the start of a session, after the password and any mandatory steps.</summary>
    public void Begin(Administrator who, IPAddress? source) => events.Write(AdminEvents.LoggedIn(who, source, time.GetUtcNow()));

    private AdminVerdict Verdict(LoginAnswer answer, string ui)
    {
        if (answer is not LoginAnswer.Success success)
        {
            return new AdminVerdict(null, answer as LoginAnswer.Challenge);
        }
        var config = store.Current;
        return AdminAccounts.Find(config, success.Grant.User) is { } account
            ? new AdminVerdict(
                new Administrator(account.Name, account.Profile, ui),
                MustChangePassword: MustChange(account, config, time.GetUtcNow())
            )
            : new AdminVerdict(null);
    }

    private bool MustChange(AdminAccount account, ConfigTree config, DateTimeOffset now) =>
        account.Entry.Enabled("force-password-change")
        || (account.Password.Length > 0 && passwords.IsExpired(config, account.Name, account.Entry.Text("password-expire"), now));
}
