namespace Appliance.Hal;

/// <summary>
/// How many connections a listener holds. A newcomer beyond a limit is not refused: it takes the place of the one that for the longest
/// time had no request served, of its own source or of all. So whoever opens connections and is slow loses them to those who are not.
/// </summary>
/// <param name="PerSource">Of one address.</param>
/// <param name="Total">Of all.</param>
public sealed record ConnectionLimit(int PerSource, int Total);
