using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Http;

/// <summary>Reads whole bodies of requests, with a limit.</summary>
public static class RequestBody
{
    /// <summary>The greatest body that any service of the unit takes.</summary>
    public const int SizeMax = 8192;

    /// <summary>The body; null when it cannot be had, with the status that says why (400 broken, 408 too slow, 413 too large).</summary>
    public static async ValueTask<(byte[]? Body, int Status)> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength > SizeMax)
        {
            return (null, StatusCodes.Status413PayloadTooLarge);
        }
        var reader = context.Request.BodyReader;
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
                if (result.Buffer.Length > SizeMax)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    return (null, StatusCodes.Status413PayloadTooLarge);
                }
                if (result.IsCompleted)
                {
                    var body = result.Buffer.ToArray();
                    reader.AdvanceTo(result.Buffer.End);
                    return (body, StatusCodes.Status200OK);
                }
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (BadHttpRequestException error)
        {
            return (null, error.StatusCode);
        }
        catch (IOException)
        {
            // What the server makes of chunk sizes beyond an integer; or the connection is gone, and nobody reads the answer.
            return (null, StatusCodes.Status400BadRequest);
        }
    }
}
