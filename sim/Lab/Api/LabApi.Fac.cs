using Appliance.Doubles.FortiAuthenticator;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Api;

/// <summary>The FortiAuthenticator emulator's part of the lab API.</summary>
public sealed partial class LabApi
{
    private FacPower Fac() =>
        Authenticator ?? throw LabProblem.NotFound("this board has no FortiAuthenticator emulator (no fac.json beside its board.json)");

    private static Task FacAsync(HttpContext context, FacPower power)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, FacJson.Of(power.Server), LabJson.Default.FacJson);
    }
}
