using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Http;

/// <summary>Reads whole request bodies, up to a limit.</summary>
public static class RequestBody
{
    /// <summary>Maximum size in bytes of a body that any service of the unit accepts.</summary>
    public const int SizeMax = 8192;

    /// <summary>
    /// Reads the whole body. Null if it cannot be read, with the status that states the cause (400 broken, 408 too slow, 413 too large).
    /// </summary>
    public static async ValueTask<(byte[]? Body, int Status)> ReadAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        var (inPlace, status) = await ReadInPlaceAsync(reader, context.Request.ContentLength).ConfigureAwait(false);
        if (inPlace is not { } whole)
        {
            return (null, status);
        }
        var body = whole.ToArray();
        reader.AdvanceTo(whole.End);
        return (body, status);
    }

    /// <summary>
    /// Reads the whole body in the server's buffers. The caller releases it by advancing the reader to its end. Null if it cannot be read,
    /// with the status that states the cause (400 broken, 408 too slow, 413 too large); then there is nothing to advance.
    /// </summary>
    internal static ValueTask<(ReadOnlySequence<byte>? Body, int Status)> ReadInPlaceAsync(PipeReader reader, long? length)
    {
        if (length > SizeMax)
        {
            return new((null, StatusCodes.Status413PayloadTooLarge));
        }
        var reading = reader.ReadAsync();
        if (!reading.IsCompletedSuccessfully)
        {
            return ReadInPlaceAsync(reader, reading);
        }
        var result = reading.Result;
        return result is { IsCompleted: true, Buffer.Length: <= SizeMax }
            ? new((result.Buffer, StatusCodes.Status200OK))
            : ReadInPlaceAsync(reader, new ValueTask<ReadResult>(result));
    }

    private static async ValueTask<(ReadOnlySequence<byte>? Body, int Status)> ReadInPlaceAsync(
        PipeReader reader,
        ValueTask<ReadResult> reading
    )
    {
        try
        {
            var result = await reading.ConfigureAwait(false);
            while (true)
            {
                if (result.Buffer.Length > SizeMax)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    return (null, StatusCodes.Status413PayloadTooLarge);
                }
                if (result.IsCompleted)
                {
                    return (result.Buffer, StatusCodes.Status200OK);
                }
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                result = await reader.ReadAsync().ConfigureAwait(false);
            }
        }
        catch (BadHttpRequestException error)
        {
            return (null, error.StatusCode);
        }
        catch (IOException)
        {
            // The server's error for chunk sizes beyond an integer. Or the connection is gone, and no client reads the reply.
            return (null, StatusCodes.Status400BadRequest);
        }
    }
}
