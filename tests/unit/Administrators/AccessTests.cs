using System.Net;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;
using Appliance.Tests.Config;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Administrators;

/// <summary>Profiles, permission groups and trusted hosts.</summary>
public sealed class AccessTests
{
    public static TheoryData<string> Releases => [.. Personality.All.Select(personality => personality.Name)];

    [Theory]
    [MemberData(nameof(Releases))]
    public void EveryTableBelongsToAGroupThatTheReleaseHas(string release)
    {
        var schema = ConfigSchema.Load(Personality.Find(release)!);
        var profile = schema.Table("system accprofile")!;
        foreach (var path in schema.Paths)
        {
            var permission = PermissionMap.OfTable(path);
            Assert.True(profile.Attribute(permission.Group) is not null, $"{path}: {permission}");
            if (profile.Attribute(permission.Group)!.Options.Contains("custom") && permission.Part != "others")
            {
                Assert.True(
                    profile.Child(permission.Group + "-permission")!.Attribute(permission.Part) is not null,
                    $"{path}: {permission}"
                );
            }
        }
    }

    [Fact]
    public void WhatIsNotKnownIsForSuperAdminsAlone()
    {
        var unknown = PermissionMap.OfTable("frobnicator core");
        Assert.Equal(Access.Write, AccessRights.Everything[unknown]);
        var tree = Tree(("system accprofile", "all", [("sysgrp", "read-write"), ("netgrp", "read-write"), ("authgrp", "read-write")]));
        Assert.Equal(Access.None, AccessRights.Of(tree, "all")[unknown]);
        Assert.Equal(Access.None, AccessRights.Of(tree, "no-such")[PermissionMap.OfTable("system global")]);
        Assert.Equal(Access.None, AccessRights.Of(tree, "super_admin_readonly")[PermissionMap.OfTable("system global")]);
        Assert.False(AccessRights.Of(tree, "no-such").MayUse("show"));
    }

    [Fact]
    public void OnlySuperAdminReadonlyLooksAtEverythingAndChangesNothing()
    {
        var schema = ConfigSchema.Load(Personality.Find("7.4")!);
        var rights = AccessRights.Of(new ConfigTree(schema), "super_admin_readonly");
        Assert.All(schema.Paths, path => Assert.Equal(Access.Read, rights[PermissionMap.OfTable(path)]));
        Assert.False(rights.IsFull);
        Assert.True(AccessRights.Of(new ConfigTree(schema), "prof_admin").IsFull);
    }

    [Theory]
    [InlineData("0.0.0.0 0.0.0.0", "192.0.2.1", true)]
    [InlineData("192.0.2.0 255.255.255.0", "192.0.2.77", true)]
    [InlineData("192.0.2.9 255.255.255.0", "192.0.2.77", true)]
    [InlineData("192.0.2.0 255.255.255.0", "192.0.3.1", false)]
    [InlineData("192.0.2.1 255.255.255.255", "192.0.2.1", true)]
    [InlineData("192.0.2.1 255.255.255.255", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1 255.255.255.255", "2001:db8::1", false)]
    public void ATrustedHostIsANetwork(string host, string from, bool allowed)
    {
        var tree = Tree(("system admin", "admin", [("trusthost3", host)]));
        Assert.Equal(allowed, TrustedHosts.AnyoneFrom(tree, IPAddress.Parse(from)));
    }

    [Theory]
    [InlineData("2001:db8::/32", "2001:db8::1", true)]
    [InlineData("2001:db8::/32", "2001:db9::1", false)]
    [InlineData("2001:db8::/32", "192.0.2.1", false)]
    [InlineData("nonsense", "2001:db8::1", false)]
    [InlineData("nonsense", "192.0.2.1", false)]
    public void ATrustedHostOfTheOtherFamily(string host, string from, bool allowed)
    {
        var tree = Tree(("system admin", "admin", [("ip6-trusthost1", host)]));
        Assert.Equal(allowed, TrustedHosts.AnyoneFrom(tree, IPAddress.Parse(from)));
    }

    [Fact]
    public void TenTrustedHostsAreOneListAndOneOpenAccountIsEnough()
    {
        var restricted = Enumerable.Range(1, 10).Select(number => ($"trusthost{number}", $"10.{number}.0.0 255.255.0.0")).ToArray();
        var tree = Tree(("system admin", "admin", restricted));
        Gen.Byte[0, 20]
            .Select(Gen.Byte)
            .Sample((second, last) => TrustedHosts.AnyoneFrom(tree, new IPAddress([10, second, 1, last])) == second is >= 1 and <= 10);
        var open = tree.With(
            "system admin",
            tree.List("system admin").With("phones", new ConfigObject(tree.Schema.Table("system admin")!))
        );
        Assert.True(TrustedHosts.AnyoneFrom(open, IPAddress.Parse("203.0.113.1")));
    }

    [Fact]
    public void Without_any_administrator_entry_each_login_is_refused()
    {
        var tree = new ConfigTree(StoreFolder.Schema);
        Assert.Null(new AdminDirectory(tree).Find("admin"));
        Assert.Null(new AdminDirectory(tree).Resolve("admin").Account);
        Assert.Null(AdminAccounts.Find(tree, "admin"));
        Assert.Equal(AccessRights.Nothing, new Administrator("admin", Administrator.SuperAdmin, "console").RightsIn(tree));
        Assert.Equal(AccessRights.Everything, Administrator.AttachedConsole.RightsIn(tree));
    }

    private static ConfigTree Tree(params (string Path, string Key, (string Attribute, string Value)[] Values)[] entries)
    {
        var tree = new ConfigTree(StoreFolder.Schema);
        foreach (var (path, key, values) in entries)
        {
            var entry = values.Aggregate(
                new ConfigObject(StoreFolder.Schema.Table(path)!),
                (made, value) => made.With(value.Attribute, [.. value.Value.Split(' ')])
            );
            tree = tree.With(path, tree.List(path).With(key, entry));
        }
        return tree;
    }
}
