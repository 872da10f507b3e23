using System.Text.RegularExpressions;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The factory objects of a new unit, and their combination with loaded files.</summary>
public sealed partial class FactoryObjectsTests : IDisposable
{
    private const string DeviceHead = "#config-version=FGVM64-6.4.0-FW-build1579-200330:opmode=0:vdom=0:user=admin\n";
    private static readonly string[] Ports = ["port1", "port2"];

    private readonly StoreFolder _folder = new();

    public static TheoryData<string> Releases => [.. Personality.All.Select(personality => personality.Name)];

    public void Dispose() => _folder.Dispose();

    /// <summary>Compares with the golden files; UPDATE_GOLDEN=1 rewrites them.</summary>
    [Theory]
    [MemberData(nameof(Releases))]
    public void A_new_unit_shows_its_factory_objects(string release)
    {
        var store = Open("", Personality.Find(release)!);
        Golden.AssertSame($"new-unit-{release}.txt", Masked(new ConfigText(store.Seal).Tree(store.Current)));
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void A_new_unit_shows_every_attribute_in_full(string release)
    {
        var store = Open("", Personality.Find(release)!);
        Golden.AssertSame($"new-unit-full-{release}.txt", Masked(new ConfigText(store.Seal, full: true).Tree(store.Current)));
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void What_a_new_unit_shows_reads_back_as_the_same(string release)
    {
        var store = Open("", Personality.Find(release)!);
        foreach (var full in new[] { false, true })
        {
            string Shown() => Masked(new ConfigText(store.Seal, full).Tree(store.Current));
            var shown = Shown();
            var (ignored, error) = store.Restore(store.BackupText(full, "admin"));
            Assert.Null(error);
            Assert.DoesNotContain(ignored, line => line.Number > 0);
            Assert.Equal(shown, Shown());
        }
    }

    [Fact]
    public void A_file_without_the_head_of_a_device_has_the_factory_objects_beside_its_own()
    {
        var tree = Open(
            "config user local\nedit \"ann\"\nset passwd secret\nnext\nend\nconfig system interface\nedit \"port2\"\nset type physical\nset alias \"lan\"\nnext\nend\n"
        ).Current;
        Assert.Equal(["guest", "ann"], tree.List("user local").Keys);
        Assert.Equal(["port2", "port1"], tree.List("system interface").Keys);
        Assert.Equal("lan", tree.List("system interface").Find("port2")!.Text("alias"));
        Assert.Equal(["none", "all", "SSLVPN_TUNNEL_ADDR1"], tree.List("firewall address").Keys);
        Assert.Equal(["SSLVPN_TUNNEL_IPv6_ADDR1", "all", "none"], tree.List("firewall address6").Keys);
        Assert.Equal("10.212.134.210", tree.List("firewall address").Find("SSLVPN_TUNNEL_ADDR1")!.Text("end-ip"));
        Assert.Equal(["full-access", "web-access", "tunnel-access"], tree.List("vpn ssl web portal").Keys);
        Assert.Equal(["guest"], tree.List("user group").Find("Guest-group")!.Words("member"));
    }

    [Fact]
    public void A_file_without_the_head_of_a_device_changes_factory_objects_as_the_console_does()
    {
        var tree = Open(
            """
            config vpn ssl web portal
                edit "full-access"
                    set web-mode disable
                next
                clone "tunnel-access" to "sales"
                delete "web-access"
            end
            config user local
                edit "guest"
                    set passwd known
                next
            end
            config user group
                purge
            end

            """
        ).Current;
        var portals = tree.List("vpn ssl web portal");
        Assert.Equal(["full-access", "tunnel-access", "sales"], portals.Keys);
        Assert.Equal(
            (false, true, true),
            (
                portals.Find("full-access")!.Enabled("web-mode"),
                portals.Find("full-access")!.Enabled("tunnel-mode"),
                portals.Find("sales")!.Enabled("tunnel-mode")
            )
        );
        Assert.Equal("known", tree.List("user local").Find("guest")!.Text("passwd"));
        Assert.Equal(0, tree.List("user group").Count);
    }

    [Fact]
    public void An_entry_in_the_file_of_a_device_takes_the_place_of_the_factory_object_whole()
    {
        var store = Open("");
        Assert.Null(store.Restore(DeviceHead + "config vpn ssl web portal\nedit \"full-access\"\nset web-mode enable\nnext\nend\n").Error);
        Assert.False(store.Current.List("vpn ssl web portal").Find("full-access")!.Enabled("tunnel-mode"));
        Assert.Equal(["full-access"], store.Current.List("vpn ssl web portal").Keys);
    }

    [Fact]
    public void A_file_of_a_device_lists_its_tables_whole_except_for_interfaces_and_what_is_referred_to()
    {
        var store = Open("");
        var (ignored, error) = store.Restore(
            DeviceHead
                + """
                config system interface
                    edit "port1"
                        set vdom "root"
                        set type physical
                        set snmp-index 1
                    next
                end
                config firewall address
                    edit "office"
                        set subnet 10.0.0.0 255.0.0.0
                    next
                end
                config user local
                    edit "ann"
                        set type password
                        set passwd secret
                    next
                end
                config firewall policy
                    edit 1
                        set srcintf "ssl.root"
                        set dstintf "any"
                        set srcaddr "all"
                        set dstaddr "office"
                        set schedule "always"
                    next
                end

                """
        );
        Assert.Null(error);
        Assert.DoesNotContain(ignored, line => line.Number > 0);
        var tree = store.Current;
        Assert.Equal(["port1", "port2"], tree.List("system interface").Keys);
        // "all" is referred to by the policy and the address of the tunnels by the portals, which the file does not list.
        Assert.Equal(["office", "all", "SSLVPN_TUNNEL_ADDR1"], tree.List("firewall address").Keys);
        // The guest user is a member of the group that the file does not list.
        Assert.Equal(["ann", "guest"], tree.List("user local").Keys);
        Assert.Equal(["Guest-group"], tree.List("user group").Keys);
    }

    [Fact]
    public void A_deleted_factory_object_stays_deleted_after_a_restart_and_a_restore()
    {
        var store = Open("");
        Assert.Null(store.Commit(tree => tree.With("user group", tree.List("user group").Without("Guest-group"))));
        Assert.Null(store.Commit(tree => tree.With("user local", tree.List("user local").Without("guest"))));
        Assert.Null(store.Commit(tree => tree.With("vpn ssl web portal", tree.List("vpn ssl web portal").Without("web-access"))));
        var backup = store.BackupText(full: false, "admin");
        Assert.Contains("config user local\nend\n", backup, StringComparison.Ordinal);
        var again = Open("");
        Check(again.Current);
        // The second save writes what the first one did.
        Assert.Null(again.Commit(tree => tree.With("system dns", tree.Object("system dns").With("primary", ["9.9.9.9"]))));
        Check(Open("").Current);
        Assert.Null(again.Reset());
        Assert.NotNull(again.Current.List("user local").Find("guest"));
        Assert.Null(again.Restore(backup).Error);
        Check(again.Current);

        static void Check(ConfigTree tree)
        {
            Assert.Equal(0, tree.List("user group").Count + tree.List("user local").Count);
            Assert.Equal(["full-access", "tunnel-access"], tree.List("vpn ssl web portal").Keys);
        }
    }

    [Fact]
    public void Each_unit_has_another_password_for_the_guest_user_that_survives_its_restart()
    {
        using var other = new StoreFolder();
        var ours = Guest(Open(""));
        Assert.True(ours.Length >= 32, "the password is too short to be unknown");
        Assert.Equal(ours, Guest(Open("")));
        Assert.NotEqual(
            ours,
            Guest(
                ConfigStore.Open(
                    StoreFolder.Schema,
                    other.File,
                    other.Key(),
                    "",
                    ConfigRules.Values,
                    null,
                    ConfigRules.First(Ports, strict: true)
                )
            )
        );

        static string Guest(ConfigStore store) => store.Current.List("user local").Find("guest")!.Text("passwd");
    }

    [Fact]
    public void The_profile_that_may_only_look_is_there_from_7_0_on()
    {
        Assert.Equal(["prof_admin"], FactoryObjects.For(StoreFolder.Schema, []).List("system accprofile").Keys);
        Assert.Equal(
            ["prof_admin", "super_admin_readonly"],
            FactoryObjects.For(ConfigSchema.Load(Personality.Find("7.0")!), []).List("system accprofile").Keys
        );
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void Factory_profiles_allow_what_their_names_say(string release)
    {
        var tree = Open("", Personality.Find(release)!).Current;
        var prof = Appliance.Firmware.Administrators.AccessRights.Of(tree, "prof_admin");
        Assert.True(prof.IsFull);
        foreach (var verb in new[] { "config", "get", "show", "execute", "diagnose" })
        {
            Assert.True(prof.MayUse(verb), verb);
        }
        if (release != "6.4")
        {
            var look = Appliance.Firmware.Administrators.AccessRights.Of(tree, "super_admin_readonly");
            Assert.False(look.IsFull);
            Assert.Equal(Appliance.Firmware.Administrators.Access.Read, look[new Appliance.Firmware.Administrators.Permission("sysgrp")]);
            Assert.True(look.MayUse("show"));
        }
    }

    private ConfigStore Open(string first, Personality? personality = null)
    {
        var schema = personality is null ? StoreFolder.Schema : ConfigSchema.Load(personality);
        return ConfigStore.Open(
            schema,
            _folder.File,
            _folder.Key(),
            first,
            ConfigRules.ValuesOn(Ports),
            null,
            ConfigRules.First(Ports, strict: true)
        );
    }

    private static string Masked(object text) => Secrets().Replace(text.ToString()!, "ENC ****");

    [GeneratedRegex("ENC [A-Za-z0-9+/]{8,}={0,2}")]
    private static partial Regex Secrets();
}
