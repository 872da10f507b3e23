using System.Reflection;
using Xunit;

namespace Appliance.Tests;

/// <summary>Every test class of this project names its peer programs, and <c>./test</c> installs each of them.</summary>
public sealed class PeerProjectTests
{
    [Fact]
    public void Every_class_names_its_peer_programs()
    {
        var silent = TestClasses().Where(type => Peers(type).Length == 0).Select(type => type.FullName);
        Assert.Equal([typeof(PeerProjectTests).FullName], silent);
    }

    [Fact]
    public void Every_named_program_is_installed()
    {
        var named = TestClasses().SelectMany(Peers).Distinct();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(PeerPrograms.Installed));
    }

    private static IEnumerable<Type> TestClasses() =>
        typeof(PeerProjectTests)
            .Assembly.GetTypes()
            .Where(type => type.GetMethods().Any(method => method.GetCustomAttributes<FactAttribute>().Any()));

    private static string[] Peers(Type type) =>
        [.. type.GetCustomAttributes<TraitAttribute>().Where(trait => trait.Name == "Peer").Select(trait => trait.Value)];
}
