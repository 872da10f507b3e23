using Appliance.Firmware.Login;
using Microsoft.AspNetCore.Http;

namespace Appliance.Sim.Lab;

/// <summary><c>/lab/logins</c> and <c>/lab/policy</c>: why logins ended as they did, and the lab's own rules for them.</summary>
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
        var fields = await LabRequest.ObjectAsync(context.Request, "pushLimit", "pushWindowSeconds", "numberMatch", "pushLifeSeconds", "nameSpellingBug");
        var policy = unit.LabPolicy;
        long Whole(string name, long now, long min, long max) => !fields.ContainsKey(name) ? now
            : LabRequest.Number(fields, name, min, max) is var number && number == Math.Floor(number) ? (long)number : throw LabProblem.Bad($"{name} must be a whole number");
        bool Flag(string name, bool now) => fields.ContainsKey(name) ? LabRequest.Flag(fields, name) : now;
        await unit.SetLabPolicyAsync(new LabPolicy
        {
            PushLimit = (int)Whole("pushLimit", policy.PushLimit, 0, PushLimit.LimitMax),
            PushWindow = TimeSpan.FromSeconds(Whole("pushWindowSeconds", (long)policy.PushWindow.TotalSeconds, 10, 86_400)),
            NumberMatch = Flag("numberMatch", policy.NumberMatch),
            PushLife = TimeSpan.FromSeconds(Whole("pushLifeSeconds", (long)policy.PushLife.TotalSeconds, 5, 600)),
            NameSpellingBug = Flag("nameSpellingBug", policy.NameSpellingBug),
        });
        await JsonAsync(context, PolicyJson.Of(unit.LabPolicy), LabJson.Default.PolicyJson);
    }

    private static Task LoginsAsync(HttpContext context, ILabUnit unit)
    {
        var limit = LabRequest.Query(context.Request, ("limit", LoginJournal.LoginsMax)).GetValueOrDefault("limit", UsualLogins);
        return JsonAsync(context, [.. unit.Logins.Newest((int)limit).Select(login => LoginJson.Of(login, whole: false))], LabJson.Default.IReadOnlyListLoginJson);
    }

    private static Task LoginAsync(HttpContext context, ILabUnit unit, string id)
    {
        LabRequest.Query(context.Request);
        return long.TryParse(id, System.Globalization.NumberStyles.None, null, out var number) && unit.Logins.Find(number) is { } login
            ? JsonAsync(context, LoginJson.Of(login, whole: true), LabJson.Default.LoginJson)
            : throw LabProblem.NotFound($"no login '{id}' among the newest {LoginJournal.LoginsMax} since the start");
    }
}
