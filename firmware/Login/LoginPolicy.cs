using System.Collections.Immutable;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>Who may use the SSL VPN and with which portal, and what failures cost: <c>vpn ssl settings</c>.</summary>
public sealed class LoginPolicy
{
    private readonly ImmutableArray<(ImmutableArray<string> Users, ImmutableArray<string> Groups, string Portal)> _rules;
    private readonly string _defaultPortal;
    private readonly HashSet<string> _webPortals;

    /// <summary>Reads it from a configuration.</summary>
    public LoginPolicy(ConfigTree config)
    {
        var settings = config.Object("vpn ssl settings");
        _rules = [.. settings.Children("authentication-rule").Entries.Select(rule => (rule.Entry.Words("users"), rule.Entry.Words("groups"), rule.Entry.Text("portal")))];
        _defaultPortal = settings.Text("default-portal");
        _webPortals = [.. config.List("vpn ssl web portal").Entries.Where(portal => portal.Entry.Enabled("web-mode")).Select(portal => portal.Key)];
        AttemptLimit = (int)settings.Number("login-attempt-limit");
        BlockTime = TimeSpan.FromSeconds(settings.Number("login-block-time"));
    }

    /// <summary>Failures that block a source; 0 means none.</summary>
    public int AttemptLimit { get; }

    /// <summary>For how long.</summary>
    public TimeSpan BlockTime { get; }

    /// <summary>
    /// Group and portal of a user, or null when there is none for it. A login by the clients' way counts as ssl-web: a portal with
    /// web mode off refuses it, as the device does.
    /// </summary>
    public (string Group, string Portal)? PortalFor(LocalUser user)
    {
        foreach (var rule in _rules)
        {
            var group = rule.Groups.FirstOrDefault(group => user.Groups.Contains(group));
            if (group is not null || rule.Users.Contains(user.Name))
            {
                return Allowed(group ?? "", rule.Portal);
            }
        }
        return Allowed("", _defaultPortal);
    }

    private (string Group, string Portal)? Allowed(string group, string portal) => _webPortals.Contains(portal) ? (group, portal) : null;
}
