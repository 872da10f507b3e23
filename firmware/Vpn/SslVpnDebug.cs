using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The lines of a login in <c>diagnose debug application sslvpn</c>. Lines that are publicly documented use the vendor's words. Lines never
/// contain a password or a code.
/// </summary>
internal sealed class SslVpnDebug(DebugTap tap)
{
    /// <summary>Writes the size of a request's body, if the client sent it.</summary>
    internal void Received(HttpRequest request)
    {
        if (request.ContentLength is { } length)
        {
            tap.Write(DebugArea.SslVpn, $"Content-Length {length}");
        }
    }

    /// <summary>Writes the start of a login.</summary>
    internal void Started(string user)
    {
        tap.Write(DebugArea.SslVpn, $"sslvpn_authenticate_user:192 authenticate user: [{user}]");
        tap.Write(DebugArea.SslVpn, $"sslvpn_authenticate_user:206 create fam state");
        tap.Write(DebugArea.SslVpn, $"fam_auth_send_req:883 found node {user}:0:, valid:1");
        tap.Write(DebugArea.SslVpn, $"[fam_auth_send_req_internal:426] Groups sent to FNBAM:");
        tap.Write(DebugArea.SslVpn, $"[fam_auth_send_req_internal:438] FNBAM opt = 0X201400");
    }

    /// <summary>Writes the answer to a factor, as a number.</summary>
    internal void Answered(LoginAnswer answer) => tap.Write(DebugArea.SslVpn, $"fnbam_auth return: {Number(answer)}");

    /// <summary>Writes a refusal.</summary>
    internal void Refused(string user, IPAddress source, string key) =>
        tap.Write(DebugArea.SslVpn, $"login_failed user[{user}] from {source} failed [{key}]");

    private static int Number(LoginAnswer answer) =>
        answer switch
        {
            LoginAnswer.Success => 0,
            LoginAnswer.Challenge { Reason: ChallengeReason.NextCode } => 8,
            LoginAnswer.Challenge => 7,
            _ => 1,
        };
}
