using System.Buffers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Hal;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Bench.Callback;

/// <summary>The body as the minimal API reads it.</summary>
internal sealed record AnswerBody(
    [property: JsonPropertyName("session_id")] string SessionId,
    [property: JsonPropertyName("action")] string Action,
    [property: JsonPropertyName("token_code")] string TokenCode
);

/// <summary>The answer of the minimal API.</summary>
internal sealed record AnswerReply(string Mac);

[JsonSerializable(typeof(AnswerBody))]
[JsonSerializable(typeof(AnswerReply))]
internal sealed partial class BaselineJson : JsonSerializerContext;

/// <summary>
/// The baselines of the callback path, on the same transport. M: a minimal API that reads the same body by source-generated
/// System.Text.Json,
/// computes one HMAC-SHA256 and answers JSON (the code of a good developer). L: Kestrel with a lean application that walks the body by
/// <see cref="Utf8JsonReader"/> and computes one HMAC by a reused <see cref="IncrementalHash"/>. K: the same, but it only reads the body:
/// Kestrel alone.
/// </summary>
internal static class CallbackBaselines
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(value => (byte)value)];

    internal static async Task<IAsyncDisposable> StartMinimalAsync(
        IConnectionListenerFactory transport,
        X509Certificate2? certificate,
        CancellationToken cancellationToken
    )
    {
        var app = Build(
            transport,
            certificate,
            builder =>
            {
                builder.Services.AddRoutingCore();
                builder.Services.ConfigureHttpJsonOptions(options =>
                    options.SerializerOptions.TypeInfoResolverChain.Insert(0, BaselineJson.Default)
                );
            }
        );
        app.MapPost(
            "/api/v1/pushauthresp/",
            (AnswerBody body) =>
                TypedResults.Ok(
                    new AnswerReply(
                        Convert.ToHexStringLower(
                            HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes($"{body.SessionId}\n{body.Action}\n{body.TokenCode}"))
                        )
                    )
                )
        );
        await app.StartAsync(cancellationToken);
        return new Server(app, app);
    }

    internal static Task<IAsyncDisposable> StartLeanAsync(IConnectionListenerFactory transport, CancellationToken cancellationToken) =>
        StartAsync(transport, null, new LeanApplication(hash: true), cancellationToken);

    internal static Task<IAsyncDisposable> StartBareAsync(
        IConnectionListenerFactory transport,
        X509Certificate2? certificate,
        CancellationToken cancellationToken
    ) => StartAsync(transport, certificate, new LeanApplication(hash: false), cancellationToken);

    private static async Task<IAsyncDisposable> StartAsync(
        IConnectionListenerFactory transport,
        X509Certificate2? certificate,
        LeanApplication application,
        CancellationToken cancellationToken
    )
    {
        var app = Build(transport, certificate, _ => { });
        var server = app.Services.GetRequiredService<IServer>();
        await server.StartAsync(application, cancellationToken);
        return new Server(server, app);
    }

    private static WebApplication Build(
        IConnectionListenerFactory transport,
        X509Certificate2? certificate,
        Action<WebApplicationBuilder> add
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddSingleton(transport);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                new ServiceEndPoint(CallbackPlace.Service),
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    if (certificate is not null)
                    {
                        listen.UseHttps(certificate);
                    }
                }
            )
        );
        add(builder);
        return builder.Build();
    }

    private sealed class Server(object running, WebApplication app) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            try
            {
                await (running is IServer server ? server.StopAsync(now.Token) : app.StopAsync(now.Token));
            }
            catch (OperationCanceledException)
            {
                // The caller requested a stop without waiting.
            }
            await app.DisposeAsync();
        }
    }

    /// <summary>Near the floor of what Kestrel can do: no context, no routing, nothing kept.</summary>
    private sealed class LeanApplication(bool hash) : IHttpApplication<IFeatureCollection>
    {
        [ThreadStatic]
        private static IncrementalHash? _hash;

        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public void DisposeContext(IFeatureCollection context, Exception? exception) { }

        public Task ProcessRequestAsync(IFeatureCollection context)
        {
            var body = context.Get<IRequestBodyPipeFeature>()!.Reader;
            var reading = body.ReadAsync();
            if (!reading.IsCompletedSuccessfully)
            {
                return LateAsync(context, body, reading);
            }
            var read = reading.Result;
            if (read is not { IsCompleted: true, Buffer.IsSingleSegment: true })
            {
                return LateAsync(context, body, new ValueTask<System.IO.Pipelines.ReadResult>(read));
            }
            Walk(read.Buffer.FirstSpan);
            body.AdvanceTo(read.Buffer.End);
            Answer(context);
            return Task.CompletedTask;
        }

        private async Task LateAsync(
            IFeatureCollection context,
            System.IO.Pipelines.PipeReader body,
            ValueTask<System.IO.Pipelines.ReadResult> reading
        )
        {
            var read = await reading;
            while (!read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                read = await body.ReadAsync();
            }
            Walk(read.Buffer.ToArray());
            body.AdvanceTo(read.Buffer.End);
            Answer(context);
        }

        private static void Answer(IFeatureCollection context)
        {
            var response = context.Get<IHttpResponseFeature>()!;
            response.StatusCode = StatusCodes.Status200OK;
            response.Headers.ContentLength = 0;
        }

        private void Walk(ReadOnlySpan<byte> body)
        {
            if (!hash)
            {
                return;
            }
            var mac = _hash ??= IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Key);
            Span<byte> result = stackalloc byte[HMACSHA256.HashSizeInBytes];
            var reader = new Utf8JsonReader(body);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.String)
                {
                    mac.AppendData(reader.ValueSpan);
                }
            }
            mac.GetHashAndReset(result);
        }
    }
}
