using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Xunit;

[assembly: AssemblyFixture(typeof(Appliance.Tests.SocketWatch))]

namespace Appliance.Tests;

/// <summary>The tests of this project need neither a process nor a socket.</summary>
public sealed class UnitProjectTests
{
    /// <summary>The types that are not constructed or started, directly or through our own code.</summary>
    private static readonly HashSet<string> Barred =
    [
        "System.Diagnostics.Process",
        "System.Net.Sockets.Socket",
        "System.Net.Sockets.TcpClient",
        "System.Net.Sockets.TcpListener",
        "System.Net.Sockets.UdpClient",
    ];

    [Fact]
    public void No_unit_test_reaches_the_construction_of_a_socket_or_the_start_of_a_process()
    {
        var reached = Reach(typeof(UnitProjectTests).Assembly.Location);
        Assert.True(reached.Count == 0, string.Join('\n', reached));
    }

    /// <summary>The check itself finds what it looks for.</summary>
    [Fact]
    public void The_lab_of_the_tests_reaches_a_socket() => Assert.NotEmpty(Reach(typeof(LoopbackNetwork).Assembly.Location));

    /// <summary>Follows calls, delegates, iterators, and the virtual methods of constructed types, through all assemblies of the product.</summary>
    /// <returns>The chains of calls that end in a barred type.</returns>
    private static List<string> Reach(string assembly)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(assembly));
        using var start = ModuleDefinition.ReadModule(assembly, new ReaderParameters { AssemblyResolver = resolver });
        var caller = start.GetTypes().SelectMany(type => type.Methods).ToDictionary(method => method, _ => (MethodDefinition?)null);
        var open = new Queue<MethodDefinition>(caller.Keys);
        var reached = new List<string>();
        while (open.TryDequeue(out var method))
        {
            foreach (var target in Targets(method))
            {
                if (target.Name is ".ctor" or "Start" && Barred.Contains(target.DeclaringType.FullName))
                {
                    reached.Add($"{Chain(method, caller)} -> {target.DeclaringType.Name}");
                }
                else if (IsOurs(target.DeclaringType) && target.Resolve() is { } definition && caller.TryAdd(definition, method))
                {
                    open.Enqueue(definition);
                }
            }
        }
        return reached;
    }

    private static IEnumerable<MethodReference> Targets(MethodDefinition method)
    {
        if (!method.HasBody)
        {
            return [];
        }
        var called = method.Body.Instructions.Select(instruction => instruction.Operand).OfType<MethodReference>().ToArray();
        var constructed = method
            .Body.Instructions.Where(instruction => instruction.OpCode == OpCodes.Newobj)
            .Select(instruction => ((MethodReference)instruction.Operand).DeclaringType)
            .Concat(method.Body.Variables.Select(variable => variable.VariableType).Where(type => type.Name.Contains(">d__")));
        return
        [
            .. called,
            .. constructed.Where(IsOurs).SelectMany(type => type.Resolve()?.Methods.Where(each => each.IsVirtual) ?? []),
        ];
    }

    private static bool IsOurs(TypeReference type) =>
        type.GetElementType().Scope.Name is var scope && scope.StartsWith("Appliance.", StringComparison.Ordinal);

    private static string Chain(MethodDefinition? method, Dictionary<MethodDefinition, MethodDefinition?> caller)
    {
        var chain = new List<string>();
        for (; method is not null; method = caller[method])
        {
            chain.Insert(0, $"{method.DeclaringType.FullName}.{method.Name}");
        }
        return string.Join(" -> ", chain);
    }
}

/// <summary>
/// Watches the system's sockets while the unit tests run: a test that connects or accepts, for example through a web server of the platform,
/// is an error of the run.
/// </summary>
public sealed class SocketWatch : EventListener
{
    private readonly ConcurrentQueue<string> _seen = [];

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        Assert.True(_seen.IsEmpty, $"a unit test used a socket: {string.Join(", ", _seen.Distinct())}");
    }

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "System.Net.Sockets")
        {
            EnableEvents(eventSource, EventLevel.Informational);
        }
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName is "ConnectStart" or "AcceptStart")
        {
            _seen.Enqueue($"{eventData.EventName} {string.Join(' ', eventData.Payload ?? [])}");
        }
    }
}
