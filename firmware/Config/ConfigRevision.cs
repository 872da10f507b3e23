using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>One saved configuration: who saved it when. It says so itself, in a comment line of its file.</summary>
/// <param name="Number">Grows by one with each save; never given twice.</param>
/// <param name="Time">When it was saved.</param>
/// <param name="Admin">Who did.</param>
/// <param name="Release">Version and build of the release that wrote it, for example <c>6.4.0-build1579</c>; "" when the file does not say.</param>
/// <param name="Comment">What he said to it; "" for nothing.</param>
public sealed record ConfigRevision(long Number, DateTimeOffset Time, string Admin, string Release, string Comment)
{
    /// <summary>The greatest length of a comment, in characters.</summary>
    public const int CommentMax = 63;

    private const string Mark = "#revision=";

    /// <summary>The line of the file, without its end.</summary>
    internal string Line => string.Create(CultureInfo.InvariantCulture, $"{Mark}{Number}:{Time.ToUnixTimeSeconds()}:{Uri.EscapeDataString(Admin)}:{Release}:{Uri.EscapeDataString(Comment)}");

    /// <summary>Reads it from the beginning of a file; null when it is not there.</summary>
    internal static ConfigRevision? From(ReadOnlySpan<byte> head)
    {
        var at = head.IndexOf(Encoding.ASCII.GetBytes("\n" + Mark));
        var end = at < 0 ? -1 : head[(at + 1)..].IndexOf((byte)'\n');
        return end > 0
            && Encoding.UTF8.GetString(head.Slice(at + 1 + Mark.Length, end - Mark.Length)).Split(':') is [var number, var seconds, var admin, var release, var comment]
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var known)
            && long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var time) && time < 100_000_000_000
            ? new(known, DateTimeOffset.FromUnixTimeSeconds(time), Uri.UnescapeDataString(admin), release, Uri.UnescapeDataString(comment))
            : null;
    }
}
