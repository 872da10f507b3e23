using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Hal;
using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// <c>POST /remote/logincheck</c>: the login of VPN clients and of the web page. The replies have the forms that the clients are known to
/// parse. What no public source documents is *assumed* and listed in docs/reference/ssl-vpn.md.
/// </summary>
internal sealed class LoginCheck(LoginService login, VpnSessions sessions, EventLog events, DebugTap tap)
{
    private const string PermissionDenied = "sslvpn_login_permission_denied";
    private const string NoMatchingPolicy = "sslvpn_login_no_matching_policy";

    private readonly SslVpnDebug _debug = new(tap);

    /// <summary>Serves one request whose body has been read already.</summary>
    internal async Task ServeAsync(HttpContext context, FormBody form)
    {
        var source = context.Connection.RemoteIpAddress!.MapToIPv4();
        _debug.Received(context.Request);
        if (!IsSecond(form))
        {
            _debug.Started(form["username"]);
        }
        var answer = await (
            IsSecond(form)
                ? SecondFactorAsync(form, source, context.RequestAborted)
                : login.StartAsync(
                    new LoginRequest(form["username"], form["credential"], form["realm"], source)
                    {
                        Nic = NicOf(context),
                        IsText = form.IsText,
                    }
                )
        ).ConfigureAwait(false);
        _debug.Answered(answer);
        switch (answer)
        {
            case LoginAnswer.Success success when context.RequestAborted.IsCancellationRequested:
                // The client is gone, so the cookie could not be used.
                login.Complete(success, Refusal.ClientGone);
                break;
            case LoginAnswer.Success success:
                await OpenAsync(context, form, source, success).ConfigureAwait(false);
                break;
            case LoginAnswer.Challenge challenge:
                await VpnReply
                    .ChallengeAsync(context, form["username"], challenge, asPage: !IsAjax(form) || IsWaitPage(form, challenge))
                    .ConfigureAwait(false);
                break;
            case LoginAnswer.Refused refused:
                await RefuseAsync(context, form, source, refused.Reason).ConfigureAwait(false);
                break;
            default:
                // An answer that this method cannot express denies.
                await RefuseAsync(context, form, source, Refusal.BadCredentials).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Opens the session of a granted login. Its cookie is sent only when it is durable.</summary>
    private async Task OpenAsync(HttpContext context, FormBody form, IPAddress source, LoginAnswer.Success success)
    {
        var opening = await sessions.OpenAsync(success.Grant, stored: () => login.Complete(success)).ConfigureAwait(false);
        if (opening.Cookie is { } cookie)
        {
            await VpnReply.LoggedInAsync(context, cookie, IsAjax(form)).ConfigureAwait(false);
            return;
        }
        login.Complete(success, opening.Refused);
        await RefuseAsync(context, form, source, opening.Refused!.Value).ConfigureAwait(false);
    }

    /// <summary>True for a challenge whose text only a page shows to this client: it asks the user to wait.</summary>
    private static bool IsWaitPage(FormBody form, LoginAnswer.Challenge challenge) =>
        challenge is { Push: false, Reason: ChallengeReason.Wait or ChallengeReason.NextCode or ChallengeReason.Throttled }
        && ReadsPages(form);

    private static string NicOf(HttpContext context) => context.Features.Get<INicFeature>()?.Nic.Name ?? "";

    /// <summary>Returns true when the form continues a pending login.</summary>
    private static bool IsSecond(FormBody form) => form.Has("reqid") || form.Has("magic") || form.Has("polid");

    private static bool IsAjax(FormBody form) => form["ajax"] == "1" || !form.Has("credential") || form.Has("code");

    /// <summary>
    /// Returns true for a client that displays the text of pages. openfortivpn displays the text of a page and never that of a challenge
    /// line. openconnect, which always sends just_logged_in, does the opposite. The difference matters only for "Please wait".
    /// </summary>
    private static bool ReadsPages(FormBody form) => !form.Has("just_logged_in") && form.Has("credential");

    private Task<LoginAnswer> SecondFactorAsync(FormBody form, IPAddress source, CancellationToken aborted)
    {
        var policy = form["polid"];
        // A pending push carries no magic field: polid is "1-" followed by the magic.
        var magic =
            form["magic"].Length > 0 ? form["magic"]
            : policy.StartsWith("1-", StringComparison.Ordinal) ? policy[2..]
            : "";
        // A form that is not valid text identifies no login: none of its values are compared.
        var handle = form.IsText ? new LoginHandle(form["reqid"], magic) : new LoginHandle("", "");
        if (form["ftmpush"] == "1")
        {
            return login.AwaitPushAsync(handle, source, aborted);
        }
        return login.SubmitCodeAsync(handle, form.Has("code") ? form["code"] : form["credential"], source, aborted, form["code2"]);
    }

    private async Task RefuseAsync(HttpContext context, FormBody form, IPAddress source, Refusal reason)
    {
        if (reason == Refusal.Blocked)
        {
            // No event: the block itself was logged, and a client that loops must not fill the log.
            await VpnReply.BlockedAsync(context).ConfigureAwait(false);
            return;
        }
        var key = reason == Refusal.NoPolicy ? NoMatchingPolicy : PermissionDenied;
        _debug.Refused(form["username"], source, key);
        if (reason != Refusal.Superseded)
        {
            events.Write(VpnEvents.Failed(form["username"], source, key));
        }
        await (form.Has("reqid") ? VpnReply.WrongCodeAsync(context) : VpnReply.DeniedAsync(context, key, IsAjax(form))).ConfigureAwait(false);
    }
}
