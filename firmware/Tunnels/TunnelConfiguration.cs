using Appliance.Firmware.Config;
using Appliance.Firmware.Tunnels.Policy;

namespace Appliance.Firmware.Tunnels;

/// <summary>The tunnel settings of one configuration. Immutable.</summary>
internal sealed class TunnelConfiguration
{
    /// <summary>No portal offers a tunnel.</summary>
    internal static TunnelConfiguration None { get; } = new(Personality.Default);

    private readonly Dictionary<string, TunnelPortal> _portals = new(StringComparer.Ordinal);

    private TunnelConfiguration(Personality personality) => Personality = personality;

    /// <summary>The release profile.</summary>
    internal Personality Personality { get; }

    /// <summary>False in a release that has no tunnel mode.</summary>
    internal bool IsSupported => Personality.HasTunnelMode;

    /// <summary>The policies.</summary>
    internal TunnelRules Rules { get; private init; } = TunnelRules.None;

    /// <summary><c>tunnel-addr-assigned-method round-robin</c> (7.0 and later).</summary>
    internal bool IsRoundRobin { get; private init; }

    /// <summary><c>tunnel-connect-without-reauth</c>: a client may connect again with the same cookie.</summary>
    internal bool ReconnectsWithoutLogin { get; private init; }

    /// <summary><c>tunnel-user-session-timeout</c>: the time for which a session is kept without its connection.</summary>
    internal TimeSpan KeptFor { get; private init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>auth-session-check-source-ip</c>.</summary>
    internal bool ChecksSource { get; private init; }

    /// <summary><c>dtls-tunnel</c>.</summary>
    internal bool AllowsDtls { get; private init; }

    /// <summary>The idle limit; zero for none.</summary>
    internal TimeSpan IdleTimeout { get; private init; }

    /// <summary>The limit of a session's duration; zero for none.</summary>
    internal TimeSpan AuthTimeout { get; private init; }

    /// <summary>Reads a configuration.</summary>
    internal static TunnelConfiguration From(ConfigTree config)
    {
        var settings = config.Object("vpn ssl settings");
        var read = new TunnelConfiguration(config.Schema.Personality)
        {
            Rules = TunnelRules.From(config),
            IsRoundRobin = Option("tunnel-addr-assigned-method") == "round-robin",
            ReconnectsWithoutLogin = Option("tunnel-connect-without-reauth") == "enable",
            KeptFor = TimeSpan.FromSeconds(
                Option("tunnel-user-session-timeout") is "" ? 30 : settings.Number("tunnel-user-session-timeout")
            ),
            ChecksSource = settings.Enabled("auth-session-check-source-ip"),
            AllowsDtls = Option("dtls-tunnel") == "enable",
            IdleTimeout = TimeSpan.FromSeconds(settings.Number("idle-timeout")),
            AuthTimeout = TimeSpan.FromSeconds(settings.Number("auth-timeout")),
        };
        foreach (var name in config.List("vpn ssl web portal").Keys)
        {
            read._portals[name] = TunnelPortal.From(config, name);
        }
        return read;

        string Option(string attribute) => settings.Schema.Attribute(attribute) is null ? "" : settings.Text(attribute);
    }

    /// <summary>The settings of a portal; a portal without tunnels if it does not exist.</summary>
    internal TunnelPortal Portal(string name) => _portals.GetValueOrDefault(name) ?? new TunnelPortal();
}
