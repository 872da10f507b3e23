using System.Net;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>Administrators in a whole lab: logins, lockout, idle time, trusted hosts, the clock.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class AdministratorTests
{
    private static readonly string[] Monitor =
    [
        "config system admin",
        "edit monitor",
        "set accprofile prof_admin",
        "set password Looking-1",
        "next",
        "end",
    ];

    [Fact]
    public async Task ALockoutHoldsOverARestartAndEndsInTime()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(Monitor);
        await using (var console = await ConsoleClient.ConnectAsync(lab, login: true))
        {
            await console.TypeAsync("monitor", "one", "monitor", "two", "monitor", "three", "monitor", "Looking-1", "");
            await console.ReadToAsync(
                "login: monitor\nPassword: \nLogin incorrect\nlab-appliance login: monitor\nPassword: \nLogin incorrect\nlab-appliance login: monitor\nPassword: \nLogin incorrect\nlab-appliance login: monitor\nPassword: \nLogin incorrect\n"
            );
        }
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0100032021\"", StringComparison.Ordinal)
                && line.Contains("Login disabled from console for 60 seconds because of 3 bad attempts", StringComparison.Ordinal)
        );

        await lab.RestartAsync();
        await using (var console = await ConsoleClient.ConnectAsync(lab, login: true))
        {
            await console.TypeAsync("monitor", "Looking-1");
            await console.ReadToAsync("Login incorrect\n");
        }
        await lab.AdvanceAsync(60);
        await using (var console = await ConsoleClient.ConnectAsync(lab, login: true))
        {
            await console.TypeAsync("monitor", "Looking-1");
            await console.ReadToAsync("Welcome!\n\nlab-appliance # ");
        }
        // The attached console was never shut out.
        Assert.Contains("current date", await lab.CliAsync("execute date"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnIdleSessionEndsAndItsNameIsWrittenDown()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync([.. Monitor, "config system global", "set admin-console-timeout 60", "end"]);
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync("monitor", "Looking-1", "config system global");
        await console.ReadToAsync("(global) # ");
        await lab.AdvanceAsync(59);
        await console.TypeAsync("get");
        await console.ReadToAsync("admintimeout");
        await lab.AdvanceAsync(59);
        Assert.DoesNotContain("Timeout", console.Shown, StringComparison.Ordinal);
        await lab.AdvanceAsync(1);
        await console.ReadToAsync("Timeout\n\nlab-appliance login: ");
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0100032003\"", StringComparison.Ordinal)
                && line.Contains("reason=\"timeout\" msg=\"Administrator monitor timed out on console\"", StringComparison.Ordinal)
        );
        await console.TypeAsync("monitor", "Looking-1");
        await console.ReadToAsync("Welcome!");
    }

    [Fact]
    public async Task AnOldPasswordMustBeChangedAndNoneIsOnDiskInClear()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync([
            "config system password-policy",
            "set status enable",
            "set expire-status enable",
            "set expire-day 2",
            "set reuse-password disable",
            "end",
            .. Monitor,
        ]);
        await lab.AdvanceAsync(86_400);
        await lab.RestartAsync();
        await using (var console = await ConsoleClient.ConnectAsync(lab, login: true))
        {
            await console.TypeAsync("monitor", "Looking-1");
            await console.ReadToAsync("Welcome!");
        }
        await lab.AdvanceAsync(86_400);
        await using (var console = await ConsoleClient.ConnectAsync(lab, login: true))
        {
            await console.TypeAsync("monitor", "Looking-1", "Looking-1", "Looking-1", "Looking-2", "Looking-2");
            await console.ReadToAsync(
                "You are forced to change your password. Please input a new password.\nNew Password: \nConfirm Password: \nThe new password must differ from the old one.\nNew Password: \nConfirm Password: \nWelcome!"
            );
        }
        // The one before the last is remembered over a restart, too.
        await lab.RestartAsync();
        Assert.Contains(
            "New password must conform to the password policy: it was used before\nobject check operator error, -49, discard the setting\nCommand fail. Return code -49",
            await lab.CliAsync("config system admin", "edit monitor", "set password Looking-1", "next", "end"),
            StringComparison.Ordinal
        );
        foreach (
            var file in Directory
                .EnumerateFiles(lab.State, "*", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) is not ("lock" or "console.sock"))
        )
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var text = new StreamReader(stream, System.Text.Encoding.Latin1);
            Assert.DoesNotContain("Looking-", await text.ReadToEndAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ChangesCarryTheNameOfWhoMadeThem()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(Monitor);
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync("monitor", "Looking-1", "config system global", "set hostname by-monitor", "end");
        await console.ReadToAsync("by-monitor # ");
        Assert.Contains(
            lab.EventLines(),
            line => line.Contains("user=\"monitor\" ui=\"console\" action=\"Edit\" cfgtid=", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains("Looking-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnAccountThatIsDeletedMayDoNothingMore()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(Monitor);
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync("monitor", "Looking-1");
        await console.ReadToAsync("lab-appliance # ");
        await lab.CliAsync("config system admin", "delete monitor", "end");
        await console.TypeAsync("show system global", "execute date");
        await console.ReadToAsync("execute date\n\nPermission denied.\nCommand fail. Return code -37\n\nlab-appliance $ ");
    }

    [Fact]
    public async Task ThePushAnswerOfAPhoneThatNoAdministratorTrustsIsRefused()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system admin", "edit admin", "set trusthost1 10.0.0.0/8", "next", "end");
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.Equal(403, await lab.AnswerStatusAsync("approve"));
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("every administrator has trusted hosts", StringComparison.Ordinal)
                && line.Contains("srcip=127.0.0.1", StringComparison.Ordinal)
        );
        using (var web = new Web(lab))
        {
            using var page = await web.GetAsync($"https://{lab.Port1}:8443/");
            Assert.Equal(HttpStatusCode.Forbidden, page.StatusCode);
        }

        // One account without trusted hosts and without any permission admits phones again: the same push can still be answered.
        await lab.CliAsync(
            "config system accprofile",
            "edit nothing",
            "next",
            "end",
            "config system admin",
            "edit phones",
            "set accprofile nothing",
            "next",
            "end"
        );
        await lab.CliAsync("get system status");
        await lab.AdvanceAsync(61);
        Assert.False((await running).Authenticated);
        var again = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.True((await again).Authenticated);
    }

    [Fact]
    public async Task TheConsoleMovesTheClockForwardOnly()
    {
        await using var lab = await TestLab.StartAsync();
        var now = lab.Clock.GetUtcNow();
        var tomorrow = now.AddDays(1);
        Assert.Contains(
            $"current date is: {tomorrow:yyyy-MM-dd}",
            await lab.CliAsync($"execute date {tomorrow:yyyy-MM-dd}"),
            StringComparison.Ordinal
        );
        Assert.Equal(tomorrow, lab.Clock.GetUtcNow());
        Assert.Contains(
            "the lab's clock cannot be set back\nCommand fail. Return code -1",
            await lab.CliAsync($"execute date {now:yyyy-MM-dd}"),
            StringComparison.Ordinal
        );
        Assert.Contains("current time is: 23:59:59", await lab.CliAsync("execute time 23:59:59"), StringComparison.Ordinal);
        Assert.Contains("ends with the year", await lab.CliAsync("execute date 9999-01-01"), StringComparison.Ordinal);
        await lab.RestartAsync();
        Assert.Contains("current time is: 23:59:59", await lab.CliAsync("execute time"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASessionIsListedAndPutOut()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var login = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=bob&credential=bob-password&realm=&ajax=1");
        Assert.StartsWith("ret=1", await login.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await lab.AdvanceAsync(7);
        Assert.Contains(
            "[0] user=bob group=vpn-users portal=full-access from=127.0.0.1",
            await lab.CliAsync("diagnose vpn ssl list"),
            StringComparison.Ordinal
        );
        Assert.Contains("duration=7\ntotal 1\n", await lab.CliAsync("diagnose vpn ssl list"), StringComparison.Ordinal);
        Assert.DoesNotContain("Command fail", await lab.CliAsync("execute vpn sslvpn del-web 0"), StringComparison.Ordinal);
        Assert.Contains("total 0\n", await lab.CliAsync("diagnose vpn ssl list"), StringComparison.Ordinal);
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0101039425\"", StringComparison.Ordinal)
                && line.Contains("reason=\"admin\"", StringComparison.Ordinal)
        );
        await lab.RestartAsync();
        Assert.Contains("total 0\n", await lab.CliAsync("diagnose vpn ssl list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LiveConnectionsAreListedWithTheirAge()
    {
        await using var lab = await TestLab.StartAsync();
        using var client = new System.Net.Sockets.TcpClient(System.Net.Sockets.AddressFamily.InterNetwork);
        await client.ConnectAsync(IPAddress.Parse(lab.Port1), 10443);
        await Until.TrueAsync(
            async () => (await lab.CliAsync("diagnose sys session list")).Contains("service=sslvpn dev=port1", StringComparison.Ordinal),
            "the connection"
        );
        await lab.AdvanceAsync(3);
        var shown = await lab.CliAsync("diagnose sys session list");
        Assert.EndsWith(
            $"session info: proto=6 proto_state=01 duration=3 service=sslvpn dev=port1\nhook=pre dir=org act=noop {client.Client.LocalEndPoint}->{lab.Port1}:10443\ntotal session 1\n\nlab-appliance # ",
            shown,
            StringComparison.Ordinal
        );
        Assert.Contains("Current sessions: 1\n", await lab.CliAsync("get system performance status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheLoadIsThatOfTheMachine()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.AdvanceAsync(2 * 86_400 + 3 * 3600 + 4 * 60);
        var shown = await lab.CliAsync("get system performance status");
        Assert.Matches("CPU states: [0-9]+% user [0-9]+% system 0% nice [0-9]+% idle\n", shown);
        Assert.Matches("Memory: [1-9][0-9]*k total, [1-9][0-9]*k used \\([0-9.]+%\\), [0-9]+k free \\([0-9.]+%\\)\n", shown);
        // The lab's clock keeps running: on a busy machine it is more than four minutes.
        Assert.Matches("Uptime: 2 days,  3 hours,  [4-9] minutes\n", shown);
    }

    [Fact]
    public async Task APingBetweenOwnInterfacesIsAnswered()
    {
        await using var lab = await TestLab.StartAsync();
        var shown = await lab.CliAsync($"execute ping {lab.Port2}");
        Assert.Contains(
            $"PING {lab.Port2} ({lab.Port2}): 56 data bytes\n64 bytes from {lab.Port2}: icmp_seq=0 ttl=64 time=",
            shown,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"\n\n--- {lab.Port2} ping statistics ---\n5 packets transmitted, 5 packets received, 0% packet loss\nround-trip min/avg/max = ",
            shown,
            StringComparison.Ordinal
        );
    }
}
