using Mono.Cecil;
using Mono.Cecil.Cil;
using Xunit;

namespace Appliance.Tests;

/// <summary>The tests of this project need no peer program: such tests are in tests/peers.</summary>
public sealed class LabProjectTests
{
    [Fact]
    public void No_peer_program_is_named()
    {
        using var module = ModuleDefinition.ReadModule(typeof(LabProjectTests).Assembly.Location);
        var named = module
            .GetTypes()
            .Where(type => type.FullName != typeof(LabProjectTests).FullName)
            .SelectMany(type => type.Methods)
            .Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions.Select(instruction => (method, instruction)))
            .Where(each => each.instruction.OpCode == OpCodes.Ldstr && PeerPrograms.Installed.Contains((string)each.instruction.Operand))
            .Select(each => $"{each.method.DeclaringType.FullName}.{each.method.Name}: {each.instruction.Operand}");
        Assert.Empty(named);
    }
}
