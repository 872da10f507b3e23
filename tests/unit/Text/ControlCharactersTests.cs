using Appliance.Firmware.Text;
using Xunit;

namespace Appliance.Tests.Text;

public sealed class ControlCharactersTests
{
    public static TheoryData<int> Obeyed =>
        [
            0x00,
            0x09,
            0x0a,
            0x1b,
            0x1f,
            0x7f,
            0x80,
            0x9b,
            0x9f,
            0x2028,
            0x2029,
            0x202a,
            0x202b,
            0x202c,
            0x202d,
            0x202e,
            0x2066,
            0x2067,
            0x2068,
            0x2069,
        ];

    [Theory]
    [MemberData(nameof(Obeyed))]
    public void A_character_that_a_display_obeys_is_included(int character)
    {
        Assert.True(ControlCharacters.Includes((char)character));
        Assert.True(ControlCharacters.AnyIn("ann" + (char)character));
        Assert.Equal("ann?x", ControlCharacters.Mask($"ann{(char)character}x"));
        Assert.Equal("annx", ControlCharacters.Remove($"ann{(char)character}x"));
    }

    [Theory]
    [InlineData(' ')]
    [InlineData('~')]
    [InlineData('\u00a0')]
    [InlineData('\u200d')]
    [InlineData('\u2027')]
    [InlineData('\u202f')]
    [InlineData('\u2065')]
    [InlineData('\u206a')]
    public void A_character_beside_them_is_not_included(char character) => Assert.False(ControlCharacters.Includes(character));

    [Fact]
    public void Output_of_a_terminal_keeps_what_the_terminal_itself_sends() =>
        Assert.Equal("\u001b[K\r\na\\x202eb\\x2028", ControlCharacters.EscapeFormatting("\u001b[K\r\na\u202eb\u2028"));
}
