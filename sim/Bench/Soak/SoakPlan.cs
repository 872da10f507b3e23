using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Bench.Soak;

/// <summary>The users of a soak and the faults during it.</summary>
internal static class SoakPlan
{
    /// <summary>The least time between two logins of a user: a token approves once in its step of 60 s.</summary>
    public static readonly TimeSpan Turn = TimeSpan.FromSeconds(75);

    /// <summary>The lifetime of a push in seconds, after which a login without an answer ends.</summary>
    public const int PushLifeSeconds = 15;

    /// <summary>The faults that may hit a login. About one login in eight meets one of them.</summary>
    public const string Faults = """
        {"faults":[
          {"fault":"push.drop","p":0.02,"seed":1},
          {"fault":"push.delay","delayMs":1500,"p":0.01,"seed":2},
          {"fault":"push.duplicate","p":0.01,"seed":3},
          {"fault":"provider.500","p":0.01,"seed":4},
          {"fault":"provider.429","p":0.005,"seed":5},
          {"fault":"provider.hang","p":0.002,"seed":6},
          {"fault":"phone.offline","delayMs":2000,"p":0.005,"seed":7},
          {"fault":"callback.never","p":0.01,"seed":8},
          {"fault":"callback.late","delayMs":2000,"p":0.01,"seed":9},
          {"fault":"callback.twice","p":0.01,"seed":10},
          {"fault":"callback.wrong-session","p":0.01,"seed":11},
          {"fault":"callback.bad-hmac","p":0.1,"seed":12},
          {"fault":"callback.slow","p":0.001,"seed":13},
          {"fault":"callback.cert-expired","p":0.005,"seed":14},
          {"fault":"phone.skew","skewSeconds":600,"p":0.01,"seed":15},
          {"fault":"nat.blackhole","p":0.002,"seed":16}
        ]}
        """;

    public static string User(int number) => string.Create(CultureInfo.InvariantCulture, $"soak{number:00000}");

    public static string Serial(int number) => string.Create(CultureInfo.InvariantCulture, $"FTKMOB{number + 1_000_000:0000000000}");

    /// <summary>The configuration that a fresh state boots in addition to the ready-made lab.</summary>
    public static string Configuration(int users)
    {
        var text = new StringBuilder("config user fortitoken\n");
        for (var user = 0; user < users; user++)
        {
            var seed = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Serial(user)))[..20]);
            text.Append(
                CultureInfo.InvariantCulture,
                $"edit {Serial(user)}\nset seed {seed}\nset reg-id soak-phone-{user}\nset os-ver \"{(user % 2 == 0 ? "ios 18" : "android 15")}\"\nnext\n"
            );
        }
        text.Append("end\nconfig user local\n");
        for (var user = 0; user < users; user++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"edit {User(user)}\nset type password\nset passwd p\nset two-factor fortitoken\nset fortitoken {Serial(user)}\nnext\n"
            );
        }
        return text.Append("end\nconfig user group\nedit vpn-users\nset member ann bob cat ")
            .AppendJoin(' ', Enumerable.Range(0, users).Select(User))
            .Append("\nnext\nend\nconfig vpn ssl settings\nset login-attempt-limit 0\nend\n")
            .ToString();
    }
}
