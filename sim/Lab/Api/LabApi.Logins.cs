using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Api;

/// <summary><c>/lab/logins</c> and <c>/lab/policy</c>: the timelines of logins, and the test policy.</summary>
public sealed partial class LabApi
{
    private const int UsualLogins = 50;

    private static Task PolicyAsync(HttpContext context, ILabUnit unit)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, PolicyJson.Of(unit.LabPolicy), LabJson.Default.PolicyJson);
    }

    private static async Task ChangePolicyAsync(HttpContext context, ILabUnit unit)
    {
        LabRequest.Query(context.Request);
        var fields = await LabRequest.ObjectAsync(context.Request, PolicyText.Names);
        var policy = unit.Policy.Get();
        await policy.SetAsync(PolicyText.Read(policy.Current, fields));
        await JsonAsync(context, PolicyJson.Of(policy.Current), LabJson.Default.PolicyJson);
    }

    private static Task LoginsAsync(HttpContext context, ILabUnit unit)
    {
        var limit = LabRequest.Query(context.Request, ("limit", LoginJournal.LoginsMax)).GetValueOrDefault("limit", UsualLogins);
        return JsonAsync(
            context,
            [.. unit.Logins.Newest((int)limit).Select(login => LoginJson.Of(login, whole: false))],
            LabJson.Default.IReadOnlyListLoginJson
        );
    }

    private static Task LoginAsync(HttpContext context, ILabUnit unit, string id)
    {
        LabRequest.Query(context.Request);
        return long.TryParse(id, System.Globalization.NumberStyles.None, null, out var number) && unit.Logins.Find(number) is { } login
            ? JsonAsync(context, LoginJson.Of(login, whole: true), LabJson.Default.LoginJson)
            : throw LabProblem.NotFound($"no login '{id}' among the newest {LoginJournal.LoginsMax} since the start");
    }
}
