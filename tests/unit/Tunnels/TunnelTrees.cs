using System.Collections.Immutable;
using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>Configurations of a new unit with the interfaces that tunnels need.</summary>
internal static class TunnelTrees
{
    private const string Interfaces = """
        config system interface
        edit "port1"
        set ip 192.0.2.1 255.255.255.0
        next
        edit "port2"
        next
        edit "port3"
        next
        end
        config user local
        edit "ann"
        set type password
        set passwd x
        next
        edit "bob"
        set type password
        set passwd x
        next
        end
        config user group
        edit "vpn-users"
        next
        edit "other"
        next
        end
        config firewall address
        edit "all"
        next
        end

        """;

    /// <summary>Reads a configuration; every line must be accepted.</summary>
    internal static ConfigTree Of(string text, Personality? personality = null)
    {
        var schema = ConfigSchema.Load(personality ?? Personality.Default);
        var (tree, ignored) = ConfigReader.Read(
            schema,
            Interfaces + text,
            _ => null,
            ImmutableDictionary<string, Func<string, bool>>.Empty
        );
        Assert.Empty(ignored);
        return tree;
    }
}
