using System.Net;

namespace Appliance.Lab.Scenarios;

/// <summary>Addresses in scenarios.</summary>
internal static class ScenarioAddress
{
    /// <summary>The address of the phones: a mobile network (RFC 5737).</summary>
    public static readonly IPAddress Phones = IPAddress.Parse("198.51.100.7");
}
