namespace Appliance.Tests.Fuzz;

/// <summary>A reader of bytes from outside.</summary>
/// <param name="Name">Also the folder of its corpus.</param>
/// <param name="Promise">The behaviour on bad input, for people.</param>
/// <param name="Read">Creates the reader, once a process. It takes one input and returns; a refusal that it declares is not an exception
/// here.</param>
internal sealed record FuzzTarget(string Name, string Promise, Func<Action<byte[]>> Read)
{
    /// <summary>The bytes that it may allocate for any input, however small.</summary>
    public long AllocationBase { get; init; } = 64 * 1024;

    /// <summary>Longer inputs are cut to this length: the reader's own limit, or a size that suits a test.</summary>
    public int LengthMax { get; init; } = 16 * 1024;
}

/// <summary>All of them.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [.. PushTargets.All, .. ProviderTargets.All, .. LabTargets.All, .. ConsoleTargets.All, .. AuthenticatorTargets.All];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
