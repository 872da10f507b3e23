using Appliance.Doubles.Panel;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Api;

/// <summary>
/// The front panel in the lab API: <c>GET /lab/panel</c>, <c>POST /lab/panel/buttons/NAME/press</c>, <c>…/release</c>, and <c>…/hold</c>
/// with <c>{"seconds":n}</c> of the lab's clock.
/// </summary>
internal static class PanelApi
{
    private const double LongestHoldSeconds = 3600;

    public static bool Serves(PathString path) => path.StartsWithSegments("/lab/panel", StringComparison.Ordinal);

    public static (string Method, Func<Task> Handle)[] For(HttpContext context, Offer<LabPanel> panel) =>
        (context.Request.Path.Value ?? "").Split('/') switch
        {
            ["", "lab", "panel"] => [("GET", () => ShowAsync(context, panel.Get()))],
            ["", "lab", "panel", "buttons", var button, "press"] => [("POST", () => PressAsync(context, panel.Get(), button))],
            ["", "lab", "panel", "buttons", var button, "hold"] => [("POST", () => HoldAsync(context, panel.Get(), button))],
            ["", "lab", "panel", "buttons", var button, "release"] => [("POST", () => ReleaseAsync(context, panel.Get(), button))],
            _ => throw LabProblem.NotFound($"no such path: {context.Request.Path.Value}"),
        };

    private static Task ShowAsync(HttpContext context, LabPanel panel)
    {
        LabRequest.Query(context.Request);
        return LabApi.JsonAsync(context, PanelJson.Of(panel), LabJson.Default.PanelJson);
    }

    private static async Task PressAsync(HttpContext context, LabPanel panel, string button)
    {
        await LabRequest.NoBodyAsync(context.Request);
        await AnswerAsync(context, panel, button, panel.Press(button, null));
    }

    private static async Task HoldAsync(HttpContext context, LabPanel panel, string button)
    {
        var fields = await LabRequest.ObjectAsync(context.Request, "seconds");
        await AnswerAsync(
            context,
            panel,
            button,
            panel.Press(button, TimeSpan.FromSeconds(LabRequest.Number(fields, "seconds", 0.001, LongestHoldSeconds)))
        );
    }

    private static async Task ReleaseAsync(HttpContext context, LabPanel panel, string button)
    {
        await LabRequest.NoBodyAsync(context.Request);
        await AnswerAsync(context, panel, button, panel.Release(button));
    }

    private static Task AnswerAsync(HttpContext context, LabPanel panel, string button, bool done) =>
        done
            ? ShowAsync(context, panel)
            : throw LabProblem.NotFound(
                $"no button '{button}'; there are: {string.Join(", ", panel.Board.Buttons.Select(known => known.Name))}"
            );
}
