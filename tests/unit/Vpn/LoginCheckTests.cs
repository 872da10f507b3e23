using System.Net;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Tunnels;
using Appliance.Firmware.Vpn;
using Appliance.Tests.Login;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>The login request of a client, without a wire.</summary>
public sealed class LoginCheckTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-logincheck-");
    private readonly FakeTimeProvider _time = new(LoginRig.Start);
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly LoginService _login;
    private readonly VpnSessions _sessions;
    private readonly TunnelService _tunnels;
    private readonly VpnEndpoint _endpoint;

    public LoginCheckTests()
    {
        _state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, .. LoginCore.Tables, VpnSessions.Table]);
        _events = new EventLog(_state, _time, "X");
        _login = new LoginService(new TokenCore(_state), _state, _events, _time, new DebugTap());
        _sessions = new VpnSessions(_state, _events, _time, DeviceKey.Open(Path.Combine(_folder.FullName, "device.key")));
        _tunnels = new TunnelService(_sessions, _events, new DebugTap(), _time, new NoTunnelNetwork());
        _endpoint = new VpnEndpoint(_login, _sessions, _events, new DebugTap(), _tunnels);
        var tree = LoginRig.TreeOf("");
        _login.InForce(tree, tree);
        _sessions.InForce(tree, tree);
    }

    public async ValueTask DisposeAsync()
    {
        await _tunnels.DisposeAsync();
        _sessions.Dispose();
        _login.Dispose();
        await _state.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(false, "success", LoginOutcome.In)]
    [InlineData(true, "client_gone", LoginOutcome.Refused)]
    public async Task No_session_is_opened_for_a_client_that_has_gone(bool gone, string word, LoginOutcome outcome)
    {
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/remote/logincheck";
        context.Request.Method = HttpMethods.Post;
        context.Request.ContentType = "application/x-www-form-urlencoded";
        context.Request.Body = new MemoryStream(Encoding.ASCII.GetBytes("username=bob&credential=bob-password&realm=&ajax=1"));
        context.Request.ContentLength = context.Request.Body.Length;
        context.Connection.RemoteIpAddress = LoginRig.Home;
        context.RequestAborted = new CancellationToken(gone);
        await _endpoint.ServeAsync(context);
        Assert.Equal(gone ? 0 : 1, _sessions.Count);
        Assert.Equal(
            !gone,
            context.Response.Headers.SetCookie.Any(cookie =>
                cookie!.StartsWith("SVPNCOOKIE=", StringComparison.Ordinal) && !cookie.StartsWith("SVPNCOOKIE=;", StringComparison.Ordinal)
            )
        );
        Assert.Equal(outcome, Assert.Single(_login.Journal.Newest(10)).Outcome);
        var told = Assert.Single(_events.After(0), record => record.Entry.LogId.StartsWith("01020430", StringComparison.Ordinal));
        Assert.Contains(told.Entry.Fields, field => field.Value == word);
    }
}
