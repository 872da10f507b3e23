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
internal sealed class LoginCheck(LoginService login, VpnSessions sessions, EventLog events, DebugTap debug)
{
    private const string PermissionDenied = "sslvpn_login_permission_denied";
    private const string NoMatchingPolicy = "sslvpn_login_no_matching_policy";

    /// <summary>Serves one request whose body has been read already.</summary>
    internal async Task ServeAsync(HttpContext context, FormBody form)
    {
        var source = context.Connection.RemoteIpAddress!.MapToIPv4();
        if (context.Request.ContentLength is { } length)
        {
            debug.Write(DebugArea.SslVpn, $"Content-Length {length}");
        }
        if (!IsSecond(form))
        {
            debug.Write(DebugArea.SslVpn, $"sslvpn_authenticate_user:192 authenticate user: [{form["username"]}]");
            debug.Write(DebugArea.SslVpn, $"sslvpn_authenticate_user:206 create fam state");
            debug.Write(DebugArea.SslVpn, $"fam_auth_send_req:883 found node {form["username"]}:0:, valid:1");
            debug.Write(DebugArea.SslVpn, $"[fam_auth_send_req_internal:426] Groups sent to FNBAM:");
            debug.Write(DebugArea.SslVpn, $"[fam_auth_send_req_internal:438] FNBAM opt = 0X201400");
        }
        var answer = IsSecond(form)
            ? await SecondFactorAsync(form, source, context.RequestAborted).ConfigureAwait(false)
            : await login
                .StartAsync(
                    new LoginRequest(form["username"], form["credential"], form["realm"], source)
                    {
                        Nic = NicOf(context),
                        IsText = form.IsText,
                    }
                )
                .ConfigureAwait(false);
        debug.Write(
            DebugArea.SslVpn,
            $"fnbam_auth return: {(answer switch { LoginAnswer.Success => 0, LoginAnswer.Challenge { Reason: ChallengeReason.NextCode } => 8, LoginAnswer.Challenge => 7, _ => 1 })}"
        );
        switch (answer)
        {
            case LoginAnswer.Success success when context.RequestAborted.IsCancellationRequested:
                // The client is gone, so the cookie could not be used.
                login.Complete(success, Refusal.ClientGone);
                return;
            case LoginAnswer.Success success:
                var opening = await sessions.OpenAsync(success.Grant, stored: () => login.Complete(success)).ConfigureAwait(false);
                if (opening.Cookie is { } cookie)
                {
                    await VpnReply.LoggedInAsync(context, cookie, IsAjax(form)).ConfigureAwait(false);
                    return;
                }
                login.Complete(success, opening.Refused);
                await RefuseAsync(context, form, source, opening.Refused!.Value, secondFactor: form.Has("reqid")).ConfigureAwait(false);
                return;
            case LoginAnswer.Challenge challenge:
                await VpnReply
                    .ChallengeAsync(
                        context,
                        form["username"],
                        challenge,
                        asPage: !IsAjax(form)
                            || (
                                challenge.Reason is ChallengeReason.Wait or ChallengeReason.NextCode or ChallengeReason.Throttled
                                && !challenge.Push
                                && ReadsPages(form)
                            )
                    )
                    .ConfigureAwait(false);
                return;
            case LoginAnswer.Refused refused:
                await RefuseAsync(context, form, source, refused.Reason, form.Has("reqid")).ConfigureAwait(false);
                return;
        }
    }

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

    private async Task RefuseAsync(HttpContext context, FormBody form, IPAddress source, Refusal reason, bool secondFactor)
    {
        if (reason == Refusal.Blocked)
        {
            // No event: the block itself was logged, and a client that loops must not fill the log.
            await VpnReply.BlockedAsync(context).ConfigureAwait(false);
            return;
        }
        var key = reason == Refusal.NoPolicy ? NoMatchingPolicy : PermissionDenied;
        debug.Write(DebugArea.SslVpn, $"login_failed user[{form["username"]}] from {source} failed [{key}]");
        if (reason != Refusal.Superseded)
        {
            events.Write(VpnEvents.Failed(form["username"], source, key));
        }
        await (secondFactor ? VpnReply.WrongCodeAsync(context) : VpnReply.DeniedAsync(context, key, IsAjax(form))).ConfigureAwait(false);
    }
}
