using Appliance.Firmware.Login;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The reason for which a first factor was refused, as the login's journal has it, independent of the client's answer.</summary>
public sealed class RefusalReasonTests
{
    [Theory]
    [InlineData("nobody-of-that-name", "x", "", "name", "unknown", "config user local / edit <name>")]
    [InlineData("bob", "wrong", "", "password", "wrong", "config user local / edit <name> / set passwd")]
    [InlineData(
        "bob",
        "bob-password",
        "config user local\nedit bob\nset status disable\nnext\nend\n",
        "status",
        "disabled",
        "config user local / edit <name> / set status"
    )]
    public void The_journal_tells_why_and_the_client_is_told_the_same(
        string user,
        string password,
        string change,
        string check,
        string result,
        string setting
    )
    {
        using var rig = new LoginRig(change);
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login(user, password));
        var fact = Assert.Single(rig.Facts, fact => fact.Decides);
        Assert.Equal((check, result, setting), (fact.Check, fact.Result, fact.Change));
    }

    [Fact]
    public void A_right_password_is_told_and_does_not_decide_alone()
    {
        using var rig = new LoginRig();
        rig.Challenge();
        Assert.Contains(rig.Facts, fact => fact is { Check: "password", Decides: false });
    }
}
