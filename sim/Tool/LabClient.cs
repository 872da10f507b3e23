using System.Net.Http.Json;
using Appliance.Doubles.Failures;
using Appliance.Lab.Messages;

namespace Appliance.Tool;

/// <summary>The tool's client of the lab API.</summary>
internal sealed class LabClient(int port) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = new UriBuilder("http", "127.0.0.1", port).Uri,
    };

    public async Task<IReadOnlyList<PhoneJson>> PhonesAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, "/lab/phones", cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(LabJson.Default.IReadOnlyListPhoneJson, cancellationToken))!;
    }

    public async Task<IReadOnlyList<LoginJson>> LoginsAsync(int limit, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"/lab/logins?limit={limit}", cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(LabJson.Default.IReadOnlyListLoginJson, cancellationToken))!;
    }

    public async Task<LoginJson> LoginAsync(long id, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"/lab/logins/{id}", cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(LabJson.Default.LoginJson, cancellationToken))!;
    }

    /// <summary>Approves or denies a push. The number is the one typed on the phone; null for none.</summary>
    public async Task<AnsweredJson> AnswerAsync(string serial, string verb, int? number, CancellationToken cancellationToken)
    {
        using var body = number is null
            ? null
            : new StringContent($$"""{"number":{{number}}}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await SendAsync(
            HttpMethod.Post,
            $"/lab/phones/{Uri.EscapeDataString(serial)}/{verb}",
            cancellationToken,
            body
        );
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(LabJson.Default.AnsweredJson, cancellationToken))!;
    }

    public async Task<IReadOnlyList<LetterJson>> InboxAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, "/lab/inbox", cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(LabJson.Default.IReadOnlyListLetterJson, cancellationToken))!;
    }

    public async Task<PhoneJson> EnrolAsync(string activation, string platform, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(new EnrolJson(activation, platform), LabJson.Default.EnrolJson);
        using var response = await SendAsync(HttpMethod.Post, "/lab/phones", cancellationToken, content);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(LabJson.Default.PhoneJson, cancellationToken))!;
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        CancellationToken cancellationToken,
        HttpContent? body = null
    )
    {
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new LabFailure(
                FailureKind.Missing,
                $"no lab answers at {_http.BaseAddress!.GetLeftPart(UriPartial.Authority)} (start one with: run up)",
                e
            );
        }
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }
        var problem =
            response.Content.Headers.ContentType?.MediaType == "application/problem+json"
                ? await response.Content.ReadFromJsonAsync(LabJson.Default.ProblemJson, cancellationToken)
                : null;
        throw new LabFailure(
            (int)response.StatusCode == 503 ? FailureKind.Missing : FailureKind.AssertionFailed,
            (problem?.ErrorCode is { } code ? $"{problem.Detail} (error_code {code})" : problem?.Detail)
                ?? $"the lab answers {(int)response.StatusCode}"
        );
    }
}
