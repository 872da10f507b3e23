using System.Net;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary><c>diagnose debug</c> shows decisions, while they are made, to the session that requested them.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class DebugStreamTests
{
    private static readonly string[] Watch =
    [
        "diagnose debug application ftm-push -1",
        "diagnose debug application fnbamd -1",
        "diagnose debug application sslvpn -1",
        "diagnose debug enable",
    ];

    [Fact]
    public async Task APushLoginLineByLine()
    {
        await using var lab = await TestLab.StartAsync();
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync([.. Watch, "diagnose debug info"]);
        await console.ReadToAsync("debug output:           enable");

        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        await console.ReadToAsync("handle_req-Push msg was already sent");
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("approve"));
        Assert.True((await running).Authenticated);
        await console.ReadToAsync("fnbam_auth return: 0");

        AssertInOrder(
            console.Shown,
            "req: /remote/logincheck",
            "sslvpn_authenticate_user:192 authenticate user: [ann]",
            "sslvpn_authenticate_user:206 create fam state",
            "fam_auth_send_req:883 found node ann:0:, valid:1",
            "[fam_auth_send_req_internal:426] Groups sent to FNBAM:",
            "[fam_auth_send_req_internal:438] FNBAM opt = 0X201400",
            "for ann in vpn-users opt=00200400 prot=11",
            "famStateInit:2249 ctx->token_type = 1, timeout = 60",
            "Connecting to server address: in-process, port nubmer: 0 oif: 0",
            "fnbam_auth return: 7",
            "Content-Length ",
            "handle_req-Rcvd ftm2_auth_withid req ",
            "handle_req-Push msg was already sent",
            ": approve accepted",
            "fnbam_auth_update_result return: 0",
            "fnbam_auth return: 0"
        );
        // The output contains no secret: neither the password nor any code, and nothing by which a request could be taken over.
        Assert.DoesNotContain("ann-password", console.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain(lab.Code(TestLab.AnnSeed), console.Shown, StringComparison.Ordinal);
        Assert.DoesNotMatch("[0-9a-f]{16}", console.Shown);
        Assert.DoesNotMatch("[0-9]{9}", console.Shown.Replace(TestLab.AnnSerial, "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ADenyAndAWrongPassword()
    {
        await using var lab = await TestLab.StartAsync();
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync([.. Watch, "diagnose debug info"]);
        await console.ReadToAsync("debug output:           enable");
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("deny"));
        Assert.False((await running).Authenticated);
        Assert.False((await lab.OpenfortivpnAsync("bob", "wrong")).Authenticated);
        await console.ReadToAsync("(bad_credentials)");
        AssertInOrder(
            console.Shown,
            ": deny accepted",
            "fnbam_auth_update_result return: 1 (push_denied)",
            "ftm_push_answer-from 127.0.0.1: alert, accepted",
            "for bob in  opt=",
            "fnbam_auth_update_result return: 1 (bad_credentials)"
        );
        Assert.Contains(
            "login_failed user[ann] from 127.0.0.1 failed [sslvpn_login_permission_denied]",
            console.Shown,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task NothingBeforeItIsEnabledAndNothingAfterItIsDisabled()
    {
        await using var lab = await TestLab.StartAsync();
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await using var other = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync("diagnose debug application fnbamd -1", "diagnose debug info");
        await console.ReadToAsync("fnbamd debug level:");
        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
        await console.TypeAsync("diagnose debug enable", "execute date");
        await console.ReadToAsync("current date");
        Assert.DoesNotContain("handle_req", console.Shown, StringComparison.Ordinal);

        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
        await console.ReadToAsync("handle_req-Rcvd auth req");
        // Another session receives no line, and a service that was not requested shows none.
        await other.TypeAsync("execute time");
        await other.ReadToAsync("current time");
        Assert.DoesNotContain("handle_req", other.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("sslvpn_authenticate_user", console.Shown, StringComparison.Ordinal);

        await console.TypeAsync("diagnose debug disable", "execute time");
        await console.ReadToAsync("current time");
        var shown = console.Shown.Length;
        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
        await console.TypeAsync("get system status");
        await console.ReadToAsync("Release Version Information");
        Assert.DoesNotContain("handle_req", console.Shown[shown..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItEndsByItselfAfterItsTime()
    {
        await using var lab = await TestLab.StartAsync();
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync("diagnose debug application fnbamd -1", "diagnose debug enable", "execute date");
        await console.ReadToAsync("current date");
        await lab.AdvanceAsync(30 * 60);
        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
        await console.TypeAsync("diagnose debug info");
        await console.ReadToAsync("debug output:           disable");
        Assert.DoesNotContain("handle_req", console.Shown, StringComparison.Ordinal);
    }

    private static void AssertInOrder(string shown, params string[] texts)
    {
        var at = 0;
        foreach (var text in texts)
        {
            var found = shown.IndexOf(text, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{text}' is missing, or comes too early, in:\n{shown}");
            at = found + text.Length;
        }
    }
}
