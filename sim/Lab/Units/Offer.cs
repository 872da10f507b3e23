using System.Diagnostics.CodeAnalysis;

namespace Appliance.Lab.Units;

/// <summary>
/// A capability that a unit may lack: the part that implements it, or the reason why it is missing. The lab API, the page and the scenarios
/// read this one source.
/// </summary>
/// <typeparam name="T">The capability.</typeparam>
public readonly struct Offer<T>
    where T : class
{
    private readonly MissingPart? _missing;

    /// <summary>An offered capability.</summary>
    public Offer(T part) => Value = part;

    private Offer(MissingPart missing) => _missing = missing;

    /// <summary>The part; null if the unit lacks it.</summary>
    public T? Value { get; }

    /// <summary>The part.</summary>
    /// <exception cref="Exception">The unit lacks it: the lab API's answer with the reason.</exception>
    public T Get() => Value ?? throw (_missing ?? MissingPart.Here("the unit lacks it")).Problem;

    [SuppressMessage("Usage", "CA2225", Justification = "MissingPart has the named alternatives.")]
    public static implicit operator Offer<T>(MissingPart missing) => new(missing);
}

/// <summary>The reason why a unit lacks a capability.</summary>
public sealed class MissingPart
{
    private readonly int _status;
    private readonly string _reason;

    private MissingPart(int status, string reason)
    {
        _status = status;
        _reason = reason;
    }

    /// <summary>The lab has no such part (404).</summary>
    public static MissingPart Here(string reason) => new(404, reason);

    /// <summary>The unit has it, but out of the lab's reach (409).</summary>
    public static MissingPart Elsewhere(string reason) => new(409, reason);

    /// <summary>The answer of the lab API to a request that needs the capability.</summary>
    internal LabProblem Problem => new(_status, _reason);
}
