using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The pages of the SSL VPN: plain HTML that works without scripts. Forms stay within what openfortivpn can parse (values under 40
/// characters, the prompt from the word "Please" up to the next tag). All external input is encoded.
/// </summary>
internal static class VpnPages
{
    private const string DeniedKey = "sslvpn_login_permission_denied";

    /// <summary>The login form.</summary>
    internal static string Login(string? error, string realm = "") =>
        Page(
            "Login",
            Error(error)
                + $"""
                <form action="/remote/logincheck" method="post" autocomplete="off">
                <label>Name <input type="text" name="username" autofocus></label>
                <label>Password <input type="password" name="credential"></label>
                <input type="hidden" name="realm" value="{Encode(realm)}">
                <button type="submit">Login</button>
                </form>
                """
        );

    /// <summary>The form for a second factor, or a notice in its place if the user has to wait.</summary>
    internal static string SecondFactor(string user, LoginAnswer.Challenge challenge)
    {
        var hidden = $"""
            <input type="hidden" name="username" value="{Encode(user)}">
            <input type="hidden" name="magic" value="{challenge.Handle.Magic}">
            <input type="hidden" name="reqid" value="{challenge.Handle.RequestId}">
            """;
        var push = challenge.Push
            ? $"""
                <form action="/remote/logincheck" method="post">
                {hidden}
                <button type="submit" name="ftmpush" value="1">Wait for my phone</button>
                </form>
                """
            : "";
        return Page(
            "Second factor",
            $"""
            <form action="/remote/logincheck" method="post" autocomplete="off">
            <p>{Encode(challenge.Text)}</p>
            {hidden}
            <input type="password" name="credential" autofocus>
            <button type="submit">Login</button>
            </form>
            {push}
            """
        );
    }

    /// <summary>The page for a refused second factor, and for any refusal sent to a browser.</summary>
    internal static string Denied(string key = DeniedKey) => Page("Login", Error(key));

    /// <summary>The page for a blocked source address. It deliberately has no form: openconnect ends its loop only then.</summary>
    internal static string Blocked() =>
        Page("Login", $"<!--sslvpnerrmsgkey={DeniedKey}--><p>Too many bad login attempts. Please try again in a few minutes.</p>");

    /// <summary>Redirects a browser after a login.</summary>
    internal static string LoggedIn() =>
        Page(
            "Login",
            """<p>Logged in. <a href="/remote/index">Continue</a></p>""",
            """<meta http-equiv="refresh" content="0; url=/remote/index">"""
        );

    /// <summary>The portal page of a logged-in user.</summary>
    internal static string Index(VpnSession session) =>
        Page(
            "Portal",
            string.Create(
                CultureInfo.InvariantCulture,
                $"<p>Logged in as {Encode(session.Grant.User)}, portal {Encode(session.Grant.Portal)}, since {session.Began.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC.</p><p><a href=\"/remote/logout\">Logout</a></p>"
            )
        );

    /// <summary>The page after a logout.</summary>
    internal static string LoggedOut() => Page("Logout", """<p>Logged out. <a href="/remote/login">Login again</a></p>""");

    private static string Error(string? key) =>
        key switch
        {
            null => "",
            "sslvpn_login_no_matching_policy" =>
                $"<!--sslvpnerrmsgkey={key}--><!--sslvpnerrmsg=No matching policy.--><p>No matching policy.</p>",
            _ => $"<!--sslvpnerrmsgkey={DeniedKey}--><!--sslvpnerrmsg=Permission denied.--><p>Permission denied.</p>",
        };

    private static string Page(string title, string body, string head = "") =>
        new StringBuilder(1024)
            .Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
            .Append(title)
            .Append("</title>")
            .Append(head)
            .Append("</head><body>\n<h1>")
            .Append(title)
            .Append("</h1>\n")
            .Append(body)
            .Append("\n<p><small>A lab appliance. Not affiliated with Fortinet.</small></p>\n</body></html>\n")
            .ToString();

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
