using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Appliance.Firmware.Ftm;
using Microsoft.AspNetCore.Http;

namespace Appliance.Doubles.Wire;

/// <summary>The messages of a push and of its answer, as text without secrets.</summary>
internal static class WireText
{
    private const string Json = "application/json";

    /// <summary>Returns the push that a phone receives.</summary>
    public static MessageText Push(PushMessage push) =>
        new(
            "push",
            $"PUSH to {push.TokenSerial}",
            [
                ("session", Mask.Stars),
                ("callback", $"https://{push.CallbackHost}:{push.CallbackPort}"),
                ("user", Mask.Line(push.User)),
                ("client", push.ClientAddress.ToString()),
                ("time", push.Time.ToString("O", CultureInfo.InvariantCulture)),
                ("expires", push.Expires.ToString("O", CultureInfo.InvariantCulture)),
                ("number-match", push.NumberMatch ? "yes" : "no"),
            ],
            ""
        );

    /// <summary>Returns a phone's callback.</summary>
    public static MessageText Callback(Uri url, bool approve, ReadOnlySpan<byte> body) =>
        new($"POST pushauthresp: {(approve ? "approve" : "deny")}", $"POST {url} HTTP/1.1", [("Content-Type", Json)], Mask.Json(body));

    /// <summary>Returns the outcome of a phone's callback.</summary>
    public static MessageText Answer(int? status, string detail) =>
        status is { } answered
            ? new($"{answered}", $"HTTP/1.1 {answered}", [], "")
            : new("no answer", $"(no answer: {Mask.Line(detail)})", [], "");

    /// <summary>Returns a unit's request to the push proxy.</summary>
    public static MessageText Proxied(HttpRequest request, ReadOnlySpan<byte> body) =>
        new("POST push", $"POST {request.Scheme}://{request.Host}{request.Path} HTTP/1.1", [("Content-Type", Json)], Mask.Json(body));

    /// <summary>Returns the proxy's response to the unit.</summary>
    public static MessageText Proxied(int status, string word, ReadOnlySpan<byte> body) =>
        new($"{status} {word}", $"HTTP/1.1 {status}", [("Content-Type", Json)], Mask.Json(body));

    /// <summary>Returns the proxy's request to a provider.</summary>
    public static async Task<MessageText> RequestAsync(string name, HttpRequestMessage request, Uri url)
    {
        var body = request.Content is { } content ? await content.ReadAsByteArrayAsync() : [];
        var isForm = request.Content is FormUrlEncodedContent;
        return new MessageText(
            name,
            $"{request.Method} {url} HTTP/{request.Version}",
            Headers(request.Headers, request.Content?.Headers),
            isForm ? Mask.Form(Encoding.UTF8.GetString(body)) : Mask.Json(body)
        );
    }

    /// <summary>Returns the provider's response.</summary>
    public static MessageText Response(HttpResponseMessage response, ReadOnlySpan<byte> body) =>
        new(
            $"{(int)response.StatusCode}",
            $"HTTP/{response.Version} {(int)response.StatusCode}",
            Headers(response.Headers, response.Content.Headers),
            body.IsEmpty ? "" : Mask.Json(body)
        );

    private static (string, string)[] Headers(HttpHeaders headers, HttpHeaders? more) =>
        [
            .. headers
                .Concat(more ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>())
                .SelectMany(header => header.Value.Select(value => Mask.Header(header.Key, value))),
        ];
}
