using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The user to whom a typed name belongs; and no spelling of a name bypasses a second factor.</summary>
public sealed class NameTests
{
    /// <summary>The lab with the group's remote server beside the user: the conditions of CVE-2020-12812.</summary>
    internal const string Fallback =
        LoginRig.Patient
        + """
            config user ldap
            edit corp
            set server 192.0.2.50
            set dn dc=example
            next
            end
            config user group
            edit vpn-users
            set member ann bob cat corp
            next
            end

            """;

    public static readonly TheoryData<string> Spellings =
    [
        "Ann",
        "ANN",
        "aNN",
        " ann",
        "ann ",
        "ann\t",
        "a nn",
        "\u00a0ann",
        "\u3000ann",
        "ann\u200b",
        "\uff41nn",
        "\uff41\uff4e\uff4e",
        "\uff21\uff2e\uff2e",
        "a\u0301nn",
        "\u00e1nn",
        "an\u0144",
        "an\u0303n",
        "a\u00f1n",
        "ann@example.com",
        "ANN@REALM",
        "CORP\\ann",
        "corp/Ann",
        "\U0001d41a\U0001d427\U0001d427",
        "\u0430nn",
        "\u24d0nn",
        "ann\u00ad",
    ];

    [Theory]
    [MemberData(nameof(Spellings))]
    public void NoSpellingGetsPastTheSecondFactor(string spelling)
    {
        using var rig = new LoginRig(Fallback);
        // The remote server would accept any of them for ann.
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login(spelling, "ann-password", remote: LoginRig.Accepted));
        Assert.DoesNotContain(rig.Steps, step => step.Remote is not null);
    }

    [Fact]
    public void ExactlyTheNameIsAskedForTheFactor()
    {
        using var rig = new LoginRig(Fallback);
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("ann"));
    }

    [Fact]
    public void SomebodyElseMayComeFromTheRemoteServer()
    {
        using var rig = new LoginRig(Fallback);
        var success = Assert.IsType<LoginAnswer.Success>(rig.Login("zoe", "x", remote: LoginRig.Accepted));
        Assert.Equal(("zoe", "vpn-users", "full-access"), (success.Grant.User, success.Grant.Group, success.Grant.Portal));
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("zoe", "x", remote: new RemoteVerdict.Rejected()));
    }

    [Fact]
    public void AServerThatCannotBeAskedDenies()
    {
        using var rig = new LoginRig(Fallback);
        Assert.Equal(new LoginAnswer.Refused(Refusal.RemoteUnavailable), rig.Login("zoe", "x"));
    }

    [Theory]
    [MemberData(nameof(Spellings))]
    public void TheBugIsThereForThoseWhoAskForIt(string spelling)
    {
        using var rig = new LoginRig(Fallback, lab: new LabPolicy { NameSpellingBug = true });
        Assert.IsType<LoginAnswer.Success>(rig.Login(spelling, "ann-password", remote: LoginRig.Accepted));
        Assert.Contains(
            rig.Steps.SelectMany(step => step.Events),
            entry => entry is { Level: Firmware.Events.EventLevel.Warning, Description: "Second factor may be skipped" }
        );
    }

    [Fact]
    public void EveryRandomRespellingIsDenied() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 7], Gen.Int[0, 7], Gen.Int[0, 4])
            .Sample(
                (first, second, third, form) =>
                {
                    string Letter(char letter, int how) =>
                        how switch
                        {
                            1 => char.ToUpperInvariant(letter).ToString(),
                            2 => ((char)(letter + 0xfee0)).ToString(),
                            3 => letter + "\u0301",
                            4 => letter + "\u200d",
                            5 => " " + letter,
                            6 => letter + "\u0327\u0323",
                            7 => ((char)(char.ToUpperInvariant(letter) + 0xfee0)).ToString(),
                            _ => letter.ToString(),
                        };
                    var name = Letter('a', first) + Letter('n', second) + Letter('n', third);
                    name = form switch
                    {
                        1 => name + "@corp",
                        2 => "CORP\\" + name,
                        3 => "x/" + name,
                        _ => name,
                    };
                    using var rig = new LoginRig(Fallback);
                    var answer = rig.Login(name, "ann-password", remote: LoginRig.Accepted);
                    Assert.True(name == "ann" ? answer is LoginAnswer.Challenge : answer is LoginAnswer.Refused, name);
                },
                iter: 2_000
            );

    [Theory]
    [InlineData("6.4", "username-case-sensitivity", "ANN", true)]
    [InlineData("6.4", "username-case-sensitivity", "\u00c1NN", false)]
    [InlineData("7.2", "username-sensitivity", "Ann", true)]
    [InlineData("7.2", "username-sensitivity", "\u00c1nn", true)]
    [InlineData("7.2", "username-sensitivity", "A\u0301nn", true)]
    [InlineData("7.2", "username-sensitivity", "ann ", false)]
    public void AnInsensitiveNameIsTheSamePersonWithTheSameFactor(string personality, string attribute, string typed, bool same)
    {
        using var rig = new LoginRig(
            $"config user local\nedit ann\nset {attribute} disable\nnext\nend\n{LoginRig.Patient}",
            Personality.Find(personality)
        );
        var answer = rig.Login(typed, "ann-password");
        if (!same)
        {
            Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), answer);
            return;
        }
        var challenge = Assert.IsType<LoginAnswer.Challenge>(answer);
        Assert.Equal("ann", challenge.Grant.User);
        Assert.True(challenge.Push);
    }

    [Fact]
    public void TwoInsensitiveNamesOfOneSpellingAreNobodys()
    {
        using var rig = new LoginRig(
            "config user local\nedit ann\nset username-case-sensitivity disable\nnext\nedit ANN\nset type password\nset passwd ann-password\nset username-case-sensitivity disable\nnext\nend\n"
                + LoginRig.Patient
        );
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("ann"));
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("Ann", "ann-password"));
    }

    [Theory]
    [InlineData("e\u0301", "\u00e9")]
    [InlineData("\u1ea1", "a\u0323")]
    [InlineData("\uff21", "a")]
    [InlineData("\u212a", "k")]
    public void ComposedAndDecomposedFormsHaveOneSkeleton(string one, string other) =>
        Assert.Equal(NameFold.Skeleton(one), NameFold.Skeleton(other));

    /// <summary>
    /// A name of plain letters takes the fast path. An invisible character, which is dropped, makes it take the slow one.
    /// </summary>
    [Fact]
    public void APlainNameHasTheSkeletonOfTheLongWay() =>
        Gen.Char["abzABZ059._-"]
            .Array[0, 20]
            .Select(letters => new string(letters))
            .Sample(name => Assert.Equal(NameFold.Skeleton(name + "\u200b"), NameFold.Skeleton(name)), iter: 1000);

    /// <summary>
    /// Verifies that the table folds every character that the test's own runtime folds, if it can. Both follow the same standard.
    /// </summary>
    [Fact]
    public void EveryLetterOfTheTableHasABase()
    {
        for (var letter = '\u00c0'; letter <= '\u1eff'; letter++)
        {
            if (letter is > '\u017f' and < '\u1e00')
            {
                continue;
            }
            var folded = NameFold.CaseAndAccent(letter.ToString());
            Assert.True(folded.Length == 1 && (char.IsAsciiLetterUpper(folded[0]) || folded[0] > 0x7f), $"U+{(int)letter:X4} -> {folded}");
            Assert.Equal(folded, NameFold.CaseAndAccent(letter.ToString().ToUpperInvariant()));
        }
    }

    [Fact]
    public void AnUndecidableNameIsNotDecided() =>
        Assert.False(NameFold.IsDecidable(NameFold.Skeleton(Encoding.UTF8.GetString([0xd0, 0xb0]) + "nn")));
}
