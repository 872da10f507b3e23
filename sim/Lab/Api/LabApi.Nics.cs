using Appliance.Doubles.Faults;
using Appliance.Lab.Messages;
using Appliance.Lab.Page;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Api;

/// <summary><c>/lab/nics</c>: the interfaces and their cables.</summary>
public sealed partial class LabApi
{
    private static Task NicsAsync(HttpContext context, ILabUnit unit)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, [.. unit.Nics.Select(PageNicJson.Of)], PageJson.Default.IReadOnlyListPageNicJson);
    }

    private static async Task ChangeNicAsync(HttpContext context, ILabUnit unit, IUnitCables cables, string name)
    {
        LabRequest.Query(context.Request);
        if (unit.Nics.All(nic => nic.Name != name))
        {
            throw LabProblem.NotFound($"no interface '{name}'");
        }
        var fields = await LabRequest.ObjectAsync(context.Request, "link");
        cables.SetLink(name, LabRequest.Flag(fields, "link"));
        await JsonAsync(context, PageNicJson.Of(unit.Nics.Single(nic => nic.Name == name)), PageJson.Default.PageNicJson);
    }
}
