using System.Globalization;

namespace Appliance.Hal;

/// <summary>
/// How many connections a process may hold under its limit of file descriptors. What is left for connections is the limit less what is open and
/// a reserve, so that files, the database, outgoing connections and new threads always get a descriptor: a .NET runtime that
/// cannot open one for a new thread ends the process.
/// </summary>
public static class ConnectionBudget
{
    /// <summary>The fewest connections that are worth starting for.</summary>
    public const int Least = 16;

    /// <summary>The connections of a process.</summary>
    /// <param name="limit">The most descriptors that the process may have open; null without a limit.</param>
    /// <param name="open">How many are open now.</param>
    /// <param name="reserve">How many must stay free for anything but connections.</param>
    /// <param name="most">The most connections that are wanted, whatever the limit.</param>
    /// <exception cref="TooFewDescriptorsException">Fewer than <see cref="Least"/> connections are left.</exception>
    public static int Of(int? limit, int open, int reserve, int most)
    {
        if (limit is not { } descriptors)
        {
            return most;
        }
        var left = descriptors - open - reserve;
        return left >= Least ? Math.Min(left, most) : throw new TooFewDescriptorsException(descriptors, open + reserve + Least);
    }
}

/// <summary>The limit of open files leaves too few connections; the message has the number that is needed.</summary>
public sealed class TooFewDescriptorsException(int limit, int needed) : Exception(string.Create(
    CultureInfo.InvariantCulture, $"too few open files are allowed: the limit is {limit}, at least {needed} are needed (raise it with ulimit -n {needed}, or LimitNOFILE={needed} of a service)"))
{
    /// <summary>The smallest limit that would do.</summary>
    public int Needed => needed;
}
