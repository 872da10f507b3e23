using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Appliance.Tests;

/// <summary>The methods of a compiled project that block their thread until a task, a lock or a thread is ready.</summary>
internal static class BlockingCalls
{
    private static readonly HashSet<string> Waits =
    [
        "System.Threading.Tasks.Task::Wait",
        "System.Threading.Tasks.Task::WaitAll",
        "System.Threading.Tasks.Task::WaitAny",
        "System.Threading.Tasks.Task::RunSynchronously",
        "System.Threading.Thread::Sleep",
        "System.Threading.Thread::Join",
        "System.Threading.WaitHandle::WaitOne",
        "System.Threading.WaitHandle::WaitAll",
        "System.Threading.WaitHandle::WaitAny",
        "System.Threading.SemaphoreSlim::Wait",
        "System.Threading.ManualResetEventSlim::Wait",
        "System.Threading.CountdownEvent::Wait",
        "System.Threading.Barrier::SignalAndWait",
        "System.Threading.Monitor::Wait",
        "System.Threading.SpinWait::SpinUntil",
    ];

    /// <summary>
    /// Returns the blocking calls as <c>Type.Method: call</c>. The result of a task is no blocking call in a method that checked before
    /// that the task is completed, as the code that the compiler generates for <c>await</c> does.
    /// </summary>
    public static IReadOnlyList<string> In(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(assembly);
        return
        [
            .. module
                .GetTypes()
                .SelectMany(type => type.Methods)
                .Where(method => method.HasBody)
                .SelectMany(method => Of(method).Select(call => $"{NameOf(method)}: {call}"))
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    private static List<string> Of(MethodDefinition method)
    {
        var calls = method
            .Body.Instructions.Where(instruction => instruction.OpCode.Code is Code.Call or Code.Callvirt or Code.Ldftn)
            .Select(instruction => (instruction, Target: (MethodReference)instruction.Operand))
            .ToArray();
        var waiting = calls.Select(call => NameOf(call.Target)).Where(Waits.Contains).ToList();
        waiting.AddRange(
            calls.Where(call => IsResult(call.Target) && IsAwaiterJustGot(call.instruction)).Select(call => NameOf(call.Target))
        );
        var results = calls.Where(call => IsResult(call.Target)).Select(call => NameOf(call.Target)).ToArray();
        var checks = calls.Count(call => call.Target.Name is "get_IsCompleted" or "get_IsCompletedSuccessfully");
        waiting.AddRange(results.Skip(checks));
        return waiting;
    }

    private static bool IsResult(MethodReference target) =>
        (target.Name == "get_Result" && IsTask(target.DeclaringType))
        || (target.Name == "GetResult" && target.DeclaringType.FullName.Contains("Awaiter", StringComparison.Ordinal));

    private static bool IsTask(TypeReference type) =>
        type.Namespace == "System.Threading.Tasks" && type.Name is "Task`1" or "ValueTask`1";

    /// <summary>True for <c>GetAwaiter().GetResult()</c>: nothing but a local variable is between the two calls.</summary>
    private static bool IsAwaiterJustGot(Instruction instruction)
    {
        var before = instruction.Previous;
        while (before is { OpCode.FlowControl: FlowControl.Next })
        {
            before = before.Previous;
        }
        return before?.Operand is MethodReference { Name: "GetAwaiter" };
    }

    private static string NameOf(MethodReference method) => $"{method.DeclaringType.GetElementType().FullName}::{method.Name}";

    /// <summary>The method as written: a lambda's or a state machine's outer method by its type.</summary>
    private static string NameOf(MethodDefinition method)
    {
        var type = method.DeclaringType;
        return $"{type.FullName.Replace('/', '.')}.{method.Name}";
    }
}
