using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Http;

/// <summary>Evaluates the header fields that describe a request's body.</summary>
public static class MediaType
{
    /// <summary>
    /// Returns true if a Content-Type is this media type, with or without parameters (RFC 9110, section 8.3.1). A longer name with the same
    /// beginning is another type.
    /// </summary>
    public static bool Is(string? contentType, string mediaType)
    {
        if (contentType is null || !contentType.StartsWith(mediaType, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }
        var rest = contentType.AsSpan(mediaType.Length).TrimStart(" \t");
        return rest.IsEmpty || rest[0] == ';';
    }

    /// <summary>
    /// Returns the status for a body that cannot be read: 501 for a transfer coding other than chunked alone (RFC 9112, section 6.1), 415
    /// for a content coding (RFC 9110, section 8.4). Null if it can be read as it is.
    /// </summary>
    public static int? RefusalOf(IHeaderDictionary headers) =>
        headers.TransferEncoding is { Count: > 0 } transfer
        && !(transfer is [{ } only] && only.AsSpan().Trim(" \t").Equals("chunked", StringComparison.OrdinalIgnoreCase))
            ? StatusCodes.Status501NotImplemented
        : headers.ContentEncoding.Count > 0 ? StatusCodes.Status415UnsupportedMediaType
        : null;
}
