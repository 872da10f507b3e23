using System.Globalization;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Commands;

/// <summary>The console commands for RADIUS servers.</summary>
internal sealed class RadiusCommands(ConfigStore config, RadiusClient client) : ICommandSource
{
    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "diagnose test authserver radius",
                "Test a user name and password with a RADIUS server.",
                Permissions.System.Read,
                CliArguments.Exactly(4),
                Test
            ),
        ];

    /// <summary>
    /// <c>&lt;server&gt; &lt;chap|pap|mschap|mschap2&gt; &lt;user&gt; &lt;password&gt;</c>. The console waits for the server, as the
    /// device's does, and Ctrl-C ends the wait. It waits for a phone only if the server itself contacts the phone. The output for a
    /// challenge, or for no response, is *assumed*.
    /// </summary>
    private CliReply Test(CliCall call)
    {
        var (server, scheme, user, password) = (call.Arguments[0], call.Arguments[1], call.Arguments[2], call.Arguments[3]);
        if (RadiusSettings.From(config.Current, server) is not { } settings)
        {
            return new ConfigError(-3, $"entry not found in datasource: {server}");
        }
        RadiusScheme? asked = scheme switch
        {
            "pap" => RadiusScheme.Pap,
            "chap" => RadiusScheme.Chap,
            "mschap" => RadiusScheme.MsChap,
            "mschap2" => RadiusScheme.MsChap2,
            _ => null,
        };
        if (asked is not { } one)
        {
            return CliPaths.ParseError(scheme);
        }
        return new CliReply("")
        {
            // The console's next step must not run on the thread that receives responses.
            Later = async cancellationToken =>
                Told(
                    scheme,
                    user,
                    await client
                        .AskAsync(settings, new RadiusQuery(user, password, null, "test") { Schemes = [one] }, cancellationToken)
                        .ConfigureAwait(ConfigureAwaitOptions.ForceYielding)
                ),
        };
    }

    private static CliReply Told(string scheme, string user, RadiusResult result)
    {
        var place = result.Server switch
        {
            0 => "primary",
            1 => "secondary",
            _ => "tertiary",
        };
        return result switch
        {
            RadiusResult.Accept accept => string.Create(
                CultureInfo.InvariantCulture,
                $"authenticate '{user}' against '{scheme}' succeeded, server={place} assigned_rad_session_id=0 session_timeout={accept.SessionTimeout} secs idle_timeout={accept.IdleTimeout} secs!\n{Groups(accept)}"
            ),
            RadiusResult.Challenge challenge =>
                $"authenticate '{user}' against '{scheme}' needs a challenge response, server={place}: {Shown(challenge.Message)}\n",
            RadiusResult.Reject =>
                $"authenticate '{user}' against '{scheme}' failed, assigned_rad_session_id=0 session_timeout=0 secs idle_timeout=0 secs!\n",
            RadiusResult.NoAnswer { Because: RadiusRefusal.NoMessageAuthenticator } =>
                $"authenticate '{user}' against '{scheme}' failed(no message-authenticator attribute), assigned_rad_session_id=0 session_timeout=0 secs idle_timeout=0 secs!\n",
            RadiusResult.NoAnswer { Because: not null } =>
                $"authenticate '{user}' against '{scheme}' failed(invalid secret for the server), assigned_rad_session_id=0 session_timeout=0 secs idle_timeout=0 secs!\n",
            _ =>
                $"authenticate '{user}' against '{scheme}' failed(no response), assigned_rad_session_id=0 session_timeout=0 secs idle_timeout=0 secs!\n",
        };
    }

    private static string Groups(RadiusResult.Accept accept) =>
        accept.Groups.IsEmpty ? "" : $"Group membership(s) - {string.Join("; ", accept.Groups.Select(Shown))}\n";

    /// <summary>Returns a server's text without the control characters that a terminal would interpret.</summary>
    private static string Shown(string text) => ControlCharacters.Remove(text);
}
