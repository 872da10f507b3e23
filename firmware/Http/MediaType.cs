using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Http;

/// <summary>What the head of a request says of its body.</summary>
public static class MediaType
{
    /// <summary>
    /// True if a Content-Type is this media type, with or without parameters (RFC 9110, section 8.3.1). A longer name that begins alike is another type.
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
    /// Why a body cannot be read: 501 for a transfer coding other than chunked alone (RFC 9112, section 6.1), 415 for a coded content
    /// (RFC 9110, section 8.4). Null if it can be read as it is.
    /// </summary>
    public static int? RefusalOf(IHeaderDictionary headers) =>
        headers.TransferEncoding is { Count: > 0 } transfer && !(transfer is [{ } only] && only.AsSpan().Trim(" \t").Equals("chunked", StringComparison.OrdinalIgnoreCase)) ? StatusCodes.Status501NotImplemented
        : headers.ContentEncoding.Count > 0 ? StatusCodes.Status415UnsupportedMediaType
        : null;
}
