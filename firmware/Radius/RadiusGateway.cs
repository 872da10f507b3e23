using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Firmware.Radius;

/// <summary>
/// Authenticates logins against <c>user radius</c>: translates the login core's requests into RADIUS queries. Thread-safe.
/// </summary>
public sealed class RadiusGateway : IRemoteGateway
{
    private const string RadiusType = "radius";
    private const string ConnectInfo = "vpn-ssl";
    private readonly RadiusClient _client;
    private readonly Func<ConfigTree> _config;
    private readonly EventLog _events;

    /// <summary>Creates a gateway over a client.</summary>
    /// <param name="client">The client.</param>
    /// <param name="config">The configuration in force.</param>
    /// <param name="events">The log that refused replies are reported in.</param>
    public RadiusGateway(RadiusClient client, Func<ConfigTree> config, EventLog events)
    {
        _client = client;
        _config = config;
        _events = events;
        client.Refused += Tell;
        client.NotConnected += Tell;
    }

    /// <inheritdoc/>
    public async ValueTask<RemoteVerdict> AskAsync(RemoteOrder order, Action<RemoteNotice> noticed, CancellationToken cancellationToken)
    {
        if (order.Server.Type != RadiusType)
        {
            return new RemoteVerdict.Unavailable($"no client for servers of type {order.Server.Type}");
        }
        if (RadiusSettings.From(_config(), order.Server.Name) is not { } settings)
        {
            return new RemoteVerdict.Unavailable($"there is no user radius {order.Server.Name}");
        }
        if (settings.Targets.IsEmpty)
        {
            return new RemoteVerdict.Unavailable($"user radius {order.Server.Name} has no server with an address and a secret");
        }
        var asked = false;
        var query = new RadiusQuery(order.User, order.Password, order.Source.Equals(IPAddress.None) ? null : order.Source, ConnectInfo)
        {
            Answers = order.Answers?.Ticket as RadiusResult.Challenge,
            Noticed = notice =>
            {
                asked = true;
                noticed(NoticeOf(settings, notice));
            },
        };
        return await _client.AskAsync(settings, query, cancellationToken).ConfigureAwait(false) switch
        {
            RadiusResult.Accept accept => new RemoteVerdict.Accepted(GroupsOf(settings, accept)) { InEveryGroup = settings.AllGroups },
            RadiusResult.Challenge challenge => new RemoteVerdict.Challenged(
                challenge.Message,
                challenge.TypePush ? RemotePush.ByWord
                    : challenge.CanPush ? RemotePush.ByNothing
                    : RemotePush.No,
                challenge
            ),
            RadiusResult.Reject => new RemoteVerdict.Rejected(),
            RadiusResult.NoAnswer when !asked => new RemoteVerdict.Unavailable(
                $"radius {settings.Name}: no interface has its source-ip or its name, or too many requests are outstanding"
            )
            {
                Change = $"config user radius / edit {settings.Name} / set source-ip",
            },
            RadiusResult.NoAnswer { Because: { } reason } none => Unavailable(
                settings,
                NoticeOf(settings, new RadiusNotice(none.Server, reason))
            ),
            var none => Unavailable(settings, NoticeOf(settings, new RadiusNotice(none.Server))),
        };
    }

    private static RemoteVerdict.Unavailable Unavailable(RadiusSettings settings, RemoteNotice last) =>
        new($"radius {settings.Name}: {last.Address}: {last.Cause}") { Change = last.Change };

    /// <summary>
    /// Names the server, cause and setting of a server failure. Most servers do not reply to a request signed with another secret (RFC
    /// 3579, 3.2), so silence has two possible causes.
    /// </summary>
    private static RemoteNotice NoticeOf(RadiusSettings settings, RadiusNotice notice)
    {
        var target = settings.Targets[notice.Server];
        var (cause, attribute) = notice switch
        {
            { Refused: RadiusRefusal.WrongAuthenticator or RadiusRefusal.WrongMessageAuthenticator } => (
                $"the reply was refused: {Explained(notice.Refused.Value)}",
                target.SecretAttribute
            ),
            { Refused: { } reason } => ($"the reply was refused: {Explained(reason)}", target.Attribute),
            { Failure.Length: > 0 } => ($"no connection: {notice.Failure}", target.Attribute),
            _ => (
                $"no reply: no server listens there, or it ignores requests signed with another secret (set {target.SecretAttribute})",
                target.Attribute
            ),
        };
        return new(
            $"{target.Attribute} {target.EndPoint}",
            notice.Refused is not null || notice.Failure.Length > 0,
            cause,
            $"config user radius / edit {settings.Name} / set {attribute}"
        );
    }

    /// <summary>
    /// The values that <c>match</c> entries are compared with: Fortinet-Group-Name, or the attribute that <c>group-override-attr-type</c>
    /// names.
    /// </summary>
    private static ImmutableArray<string> GroupsOf(RadiusSettings settings, RadiusResult.Accept accept) =>
        settings.GroupOverride switch
        {
            "filter-Id" => accept.Filters,
            "class" when settings.Classes.IsEmpty => accept.Classes,
            "class" => [.. accept.Classes.Where(value => settings.Classes.Contains(value))],
            _ => accept.Groups,
        };

    private void Tell(string entry, IPEndPoint server, string why) =>
        Tell("RADIUS server not connected", entry, server, "no_connection", $"RADIUS server {entry} ({server}): no connection: {why}");

    private void Tell(string entry, IPEndPoint server, RadiusRefusal reason) =>
        Tell(
            "RADIUS reply refused",
            entry,
            server,
            Reason(reason),
            $"RADIUS server {entry} ({server}): the reply was refused: {Explained(reason)}"
        );

    private void Tell(string description, string entry, IPEndPoint server, string reason, string message) =>
        _events.Write(
            new EventEntry(
                "0102043009",
                "user",
                EventLevel.Warning,
                description,
                ("server", entry),
                ("srcip", server.Address.ToString()),
                ("srcport", server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                ("action", "authentication"),
                ("status", "failure"),
                ("reason", reason),
                ("msg", message)
            )
        );

    /// <summary>The name of a refusal in events and metrics.</summary>
    internal static string Reason(RadiusRefusal reason) =>
        reason switch
        {
            RadiusRefusal.Malformed => "malformed",
            RadiusRefusal.NotAsked => "not_asked",
            RadiusRefusal.NoMessageAuthenticator => "no_message_authenticator",
            RadiusRefusal.WrongMessageAuthenticator => "wrong_message_authenticator",
            RadiusRefusal.WrongAuthenticator => "wrong_response_authenticator",
            RadiusRefusal.UnknownProxyState => "unknown_proxy_state",
            RadiusRefusal.NoServerProof => "no_server_proof",
            _ => "wrong_code",
        };

    private static string Explained(RadiusRefusal reason) =>
        reason switch
        {
            RadiusRefusal.NoMessageAuthenticator => "No Message-Authenticator attribute (CVE-2024-3596): the server must send it",
            RadiusRefusal.WrongMessageAuthenticator => "Invalid Message-Authenticator: another secret, or a forgery",
            RadiusRefusal.WrongAuthenticator => "Invalid Response Authenticator: another secret, or a forgery",
            RadiusRefusal.UnknownProxyState => "it contains a Proxy-State that was not sent (CVE-2024-3596)",
            RadiusRefusal.NoServerProof => "its MS-CHAP2-Success does not prove that the server has the password",
            _ => "it is not a reply to an Access-Request",
        };
}
