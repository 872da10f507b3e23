using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Xunit;

namespace Appliance.Tests.Events;

public sealed class EventLineTests
{
    private static readonly DateTimeOffset Time = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);

    [Fact]
    public void The_header_of_early_6_4_has_the_time_after_the_vdom() =>
        Assert.Equal(
            """date=2033-02-03 time=04:05:06 devname="FGT" devid="FG1" logid="0100032001" type="event" subtype="system" level="information" vd="root" eventtime=1991016306000000000 tz="+0000" logdesc="Admin login successful" user="ann" """.TrimEnd(),
            Line("6.4", ("user", "ann"))
        );

    [Theory]
    [InlineData("7.0")]
    [InlineData("7.2")]
    [InlineData("7.4")]
    [InlineData("7.6")]
    public void The_header_of_7_x_has_the_time_after_the_serial_number(string release) =>
        Assert.Equal(
            """date=2033-02-03 time=04:05:06 devname="FGT" devid="FG1" eventtime=1991016306000000000 tz="+0000" logid="0100032001" type="event" subtype="system" level="information" vd="root" logdesc="Admin login successful" user="ann" """.TrimEnd(),
            Line(release, ("user", "ann"))
        );

    [Theory]
    [InlineData("a\"b\\c", "a\\\"b\\\\c")]
    [InlineData("a\u001bb\u009b", "a\\x1bb\\x9b")]
    [InlineData("ann\u202etxt.exe", "ann\\x202etxt.exe")]
    [InlineData("\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069", "\\x202a\\x202b\\x202c\\x202d\\x2066\\x2067\\x2068\\x2069")]
    [InlineData("a\u2028b\u2029", "a\\x2028b\\x2029")]
    [InlineData("ä漢\U0001F600", "ä漢\U0001F600")]
    public void A_value_cannot_change_how_its_line_reads(string value, string shown) =>
        Assert.EndsWith($" user=\"{shown}\"", Line("6.4", ("user", value)), StringComparison.Ordinal);

    private static string Line(string release, params (string, string)[] fields) =>
        EventLine.Format(
            new EventEntry("0100032001", "system", EventLevel.Information, "Admin login successful", [.. fields]),
            Time,
            new EventDevice("FGT", "FG1", EventDevice.IsTimeFirst(Personality.Find(release)!.Release))
        );
}
