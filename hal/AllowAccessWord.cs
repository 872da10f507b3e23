namespace Appliance.Hal;

/// <summary>The access flags as the configuration spells them.</summary>
public static class AllowAccessWord
{
    private static readonly (AllowAccess Flag, string Word)[] Words =
    [
        (AllowAccess.Ping, "ping"),
        (AllowAccess.Https, "https"),
        (AllowAccess.Ssh, "ssh"),
        (AllowAccess.Snmp, "snmp"),
        (AllowAccess.Http, "http"),
        (AllowAccess.Telnet, "telnet"),
        (AllowAccess.Fgfm, "fgfm"),
        (AllowAccess.RadiusAcct, "radius-acct"),
        (AllowAccess.ProbeResponse, "probe-response"),
        (AllowAccess.Fabric, "fabric"),
        (AllowAccess.Ftm, "ftm"),
        (AllowAccess.SpeedTest, "speed-test"),
        (AllowAccess.Scim, "scim"),
    ];

    /// <summary>Returns the flag of a configuration word; <see cref="AllowAccess.None"/> for a word without an effect here.</summary>
    public static AllowAccess Parse(string word) => Words.FirstOrDefault(pair => pair.Word == word).Flag;

    /// <summary>Returns the configuration words of a set of flags, in the device's order.</summary>
    public static IReadOnlyList<string> Of(AllowAccess access) =>
        [.. Words.Where(pair => access.HasFlag(pair.Flag)).Select(pair => pair.Word)];
}
