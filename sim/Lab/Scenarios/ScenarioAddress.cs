using System.Net;

namespace Appliance.Lab.Scenarios;

/// <summary>Addresses that scenarios know of.</summary>
internal static class ScenarioAddress
{
    /// <summary>The phones': a mobile network somewhere (RFC 5737).</summary>
    public static readonly IPAddress Phones = IPAddress.Parse("198.51.100.7");
}
