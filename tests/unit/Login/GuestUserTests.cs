using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Policy;
using Appliance.Tests.Config;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The factory's guest user.</summary>
public sealed class GuestUserTests
{
    private const string GuestsAllowed =
        LoginRig.Patient
        + """
            config user group
            edit Guest-group
            set member guest
            next
            end
            config vpn ssl settings
            config authentication-rule
            edit 9
            set groups Guest-group
            set portal full-access
            next
            end
            end

            """;

    [Theory]
    [InlineData("")]
    [InlineData("guest")]
    [InlineData("guest-password")]
    [InlineData("ENC")]
    public void No_password_authenticates_the_guest_user_of_a_new_unit(string password)
    {
        var tree = Tree("");
        Assert.Equal(["guest"], tree.List("user group").Find("Guest-group")!.Words("member"));
        using var rig = new LoginRig { Rules = LoginRules.From(tree) };
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("guest", password));
    }

    [Fact]
    public void The_guest_user_logs_in_once_it_has_a_password()
    {
        using var rig = new LoginRig { Rules = LoginRules.From(Tree("config user local\nedit guest\nset passwd known\nnext\nend\n")) };
        Assert.IsType<LoginAnswer.Success>(rig.Login("guest", "known"));
    }

    private static ConfigTree Tree(string change) =>
        ConfigReader
            .Read(
                new ConfigSource(StoreFolder.Schema, _ => null, new Dictionary<string, Func<string, bool>>(StringComparer.Ordinal))
                {
                    Factory = FactoryObjects.For(StoreFolder.Schema, []),
                },
                Appliance.Lab.Composition.LabBoard.DefaultConfiguration() + change + GuestsAllowed,
                new()
            )
            .Tree;
}
