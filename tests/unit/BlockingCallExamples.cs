namespace Appliance.Tests;

/// <summary>Code for <see cref="BlockingCalls"/> to check; it is never run.</summary>
internal static class BlockingCallExamples
{
    internal static int GetAwaiter(Task<int> task) => task.GetAwaiter().GetResult();

    internal static void GetAwaiterOfIncomplete(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully)
        {
            task.AsTask().GetAwaiter().GetResult();
        }
    }

    internal static int Result(Task<int> task) => task.Result;

#pragma warning disable RS0030 // The example of a banned call.
    internal static void Sleep() => Thread.Sleep(1);
#pragma warning restore RS0030

    internal static void Wait(Task task) => task.Wait();

    internal static Func<int> Lambda(Task<int> task) => () => task.Result;

    internal static int ResultOfCompleted(Task<int> task) => task.IsCompleted ? task.Result : 0;

    internal static async Task<int> AwaitedAsync(Task<int> task, ValueTask other)
    {
        await other.ConfigureAwait(false);
        return await task + await task.ConfigureAwait(false);
    }
}
