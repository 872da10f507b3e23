using Appliance.Link;

namespace Appliance.Agent;

/// <summary>The login steps that are kept for a controller that connects late. Thread-safe.</summary>
internal sealed class AgentSteps
{
    /// <summary>The maximum number of steps. The oldest half is dropped first.</summary>
    private const int Max = 20_000;

    private readonly Lock _lock = new();
    private readonly List<LinkStep> _steps = [];

    /// <summary>The number of dropped steps, which is the number of the first step in the list.</summary>
    private long _dropped;

    public void Add(LinkStep step)
    {
        lock (_lock)
        {
            if (_steps.Count == Max)
            {
                _steps.RemoveRange(0, Max / 2);
                _dropped += Max / 2;
            }
            _steps.Add(step);
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _steps.Clear();
            _dropped = 0;
        }
    }

    /// <summary>Returns up to <paramref name="most"/> steps after a number, and the number of the last one.</summary>
    public (IReadOnlyList<LinkStep> Steps, long Told) After(long number, int most)
    {
        lock (_lock)
        {
            var skip = Math.Clamp(number - _dropped, 0, _steps.Count);
            LinkStep[] steps = [.. _steps.Skip((int)skip).Take(most)];
            return (steps, _dropped + skip + steps.Length);
        }
    }
}
