using System.Globalization;

namespace Appliance.Hal;

/// <summary>
/// The number of connections that a process may hold under its limit of file descriptors: the limit less the open descriptors and a
/// reserve. The reserve guarantees descriptors for files, the database, outgoing connections and new threads. A .NET runtime that cannot
/// open one for a new thread terminates the process.
/// </summary>
public static class ConnectionBudget
{
    /// <summary>The minimum number of connections for a start.</summary>
    public const int Least = 16;

    /// <summary>Returns the number of connections that the process may hold.</summary>
    /// <param name="limit">The maximum number of open descriptors of the process; null without a limit.</param>
    /// <param name="open">The number of open descriptors now.</param>
    /// <param name="reserve">The number of descriptors that must stay free for uses other than connections.</param>
    /// <param name="most">The maximum number of connections, whatever the limit.</param>
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
public sealed class TooFewDescriptorsException(int limit, int needed)
    : Exception(
        string.Create(
            CultureInfo.InvariantCulture,
            $"too few open files are allowed: the limit is {limit}, at least {needed} are needed (raise it with ulimit -n {needed}, or LimitNOFILE={needed} of a service)"
        )
    )
{
    /// <summary>The smallest sufficient limit.</summary>
    public int Needed => needed;
}
