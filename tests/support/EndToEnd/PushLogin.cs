namespace Appliance.Tests.EndToEnd;

/// <summary>A login by push as a client's two requests.</summary>
internal static class PushLogin
{
    /// <summary>Sends both; the task within ends with the answer to the second one.</summary>
    public static async Task<Task<string>> BeginAsync(TestLab lab, Web web, string user = "ann")
    {
        var url = $"https://{lab.Vpn}/remote/logincheck";
        using var challenge = await web.FormAsync(url, $"username={user}&credential={user}-password&realm=&ajax=1&just_logged_in=1");
        var fields = (await challenge.Content.ReadAsStringAsync())
            .Split(',')
            .Select(pair => pair.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return AnswerAsync(
            web.FormAsync(url, $"username={user}&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&grp=&portal=&peer=&ftmpush=1")
        );
    }

    private static async Task<string> AnswerAsync(Task<HttpResponseMessage> reply)
    {
        using var answer = await reply;
        return await answer.Content.ReadAsStringAsync();
    }
}
