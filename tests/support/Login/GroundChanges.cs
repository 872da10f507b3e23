using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// The changes of the ready-made lab that remove the basis on which a login of <c>cat</c> (token code only) was granted. One list for
/// pending logins and open sessions.
/// </summary>
internal static class GroundChanges
{
    public const string OtherSeed = "config user fortitoken\nedit FTKMOB0000000002\nset seed GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nnext\nend\n";
    public const string NewPassword = "config user local\nedit cat\nset passwd another-password\nnext\nend\n";
    public const string LeftTheGroup = "config user group\nedit vpn-users\nset member ann bob\nnext\nend\n";

    /// <summary>A group and a portal beside those of the ready-made lab.</summary>
    public const string Others =
        "config user group\nedit others\nset member bob\nnext\nend\nconfig vpn ssl web portal\nedit other\nset web-mode enable\nnext\nend\n";

    public static TheoryData<string> Ending =>
        [
            "config user local\nedit cat\nset status disable\nnext\nend\n",
            NewPassword,
            "config user local\nedit cat\nset two-factor disable\nunset fortitoken\nnext\nend\n",
            "config user local\nedit cat\nset email-to cat@example.com\nset two-factor email\nunset fortitoken\nnext\nend\n",
            "config user fortitoken\nedit FTKMOB0000000002\nset status lock\nnext\nend\n",
            OtherSeed,
            LeftTheGroup,
            "config vpn ssl settings\nconfig authentication-rule\nedit 1\nset groups others\nnext\nend\nend\n",
            "config vpn ssl settings\nconfig authentication-rule\nedit 1\nset portal other\nnext\nend\nend\n",
            "config vpn ssl settings\nconfig authentication-rule\nedit 1\nset realm staff\nnext\nend\nend\n",
            "config vpn ssl web portal\nedit full-access\nset web-mode disable\nset tunnel-mode disable\nnext\nend\n",
        ];

    /// <summary>And those that a console can make, but no file.</summary>
    public static TheoryData<string> EndingAtConsole =>
        [
            .. Ending.Select(row => row.Data),
            "config user group\nedit vpn-users\nset member ann bob\nnext\nend\nconfig user local\ndelete cat\nend\n",
            "config vpn ssl settings\nconfig authentication-rule\ndelete 1\nend\nend\n",
            "config user local\nrename cat to kat\nend\n",
        ];

    public static TheoryData<string> Harmless =>
        [
            "config system global\nset hostname other\nend\n",
            "config user local\nedit bob\nset status disable\nnext\nend\n",
            "config user fortitoken\nedit FTKMOB0000000001\nset status lock\nnext\nend\n",
            "config user local\nedit cat\nset email-to cat@example.com\nnext\nend\n",
            "config user group\nedit vpn-users\nset member cat\nnext\nend\n",
            "config vpn ssl settings\nconfig authentication-rule\nedit 2\nset groups others\nset portal other\nnext\nend\nend\n",
        ];
}
