using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>The metadata of a saved configuration, stored in a comment line of its file.</summary>
/// <param name="Number">The revision number; increases by one with each save and is never reused.</param>
/// <param name="Time">The time of the save.</param>
/// <param name="Admin">The administrator that saved it.</param>
/// <param name="Release">
/// Version and build of the release that wrote it, for example <c>6.4.0-build1579</c>; "" if the file does not state it.
/// </param>
/// <param name="Comment">The administrator's comment; "" for none.</param>
public sealed record ConfigRevision(long Number, DateTimeOffset Time, string Admin, string Release, string Comment)
{
    /// <summary>The maximum length of a comment, in characters.</summary>
    public const int CommentMax = 63;

    private const string Mark = "#revision=";

    /// <summary>The comment line, without its newline.</summary>
    internal string Line =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Mark}{Number}:{Time.ToUnixTimeSeconds()}:{Uri.EscapeDataString(Admin)}:{Release}:{Uri.EscapeDataString(Comment)}"
        );

    /// <summary>Parses the comment line at the beginning of a file; null if there is none.</summary>
    internal static ConfigRevision? From(ReadOnlySpan<byte> head)
    {
        var at = head.IndexOf(Encoding.ASCII.GetBytes("\n" + Mark));
        var end = at < 0 ? -1 : head[(at + 1)..].IndexOf((byte)'\n');
        return
            end > 0
            && Encoding.UTF8.GetString(head.Slice(at + 1 + Mark.Length, end - Mark.Length)).Split(':')
                is [var number, var seconds, var admin, var release, var comment]
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var known)
            && long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var time)
            && time < 100_000_000_000
            ? new(known, DateTimeOffset.FromUnixTimeSeconds(time), Uri.UnescapeDataString(admin), release, Uri.UnescapeDataString(comment))
            : null;
    }
}
