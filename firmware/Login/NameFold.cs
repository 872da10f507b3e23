using System.Buffers;
using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Login;

/// <summary>
/// Forms of a user name that are the same to somebody: used where another spelling must not be another person. The runtime's own
/// normalization is not there on the box (globalization is invariant), so what is folded is said here; what is beyond it is not
/// called equal to anything, and <see cref="IsDecidable"/> says so.
/// </summary>
internal static class NameFold
{
    // Base letters of U+00C0 to U+017F and of U+1E00 to U+1EFF, upper case; blank: has none.
    private const string LatinFirst =
        "AAAAAA CEEEEIIII NOOOOO  UUUUY  AAAAAA CEEEEIIII NOOOOO  UUUUY Y"
        + "AAAAAACCCCCCCCDD  EEEEEEEEEEGGGGGGGGHH  IIIIIIIIII  JJKK LLLLLL "
        + "   NNNNNN   OOOOOO  RRRRRRSSSSSSSSTTTT  UUUUUUUUUUUUWWYYYZZZZZZS";

    private const string LatinAdditional =
        "AABBBBBBCCDDDDDDDDDDEEEEEEEEEEFFGGHHHHHHHHHHIIIIKKKKKKLLLLLLLLMM"
        + "MMMMNNNNNNNNOOOOOOOOPPPPRRRRRRRRSSSSSSSSSSTTTTTTTTUUUUUUUUUUVVVV"
        + "WWWWWWWWWWXXXXYYZZZZZZHTWY S    AAAAAAAAAAAAAAAAAAAAAAAAEEEEEEEE"
        + "EEEEEEEEIIIIOOOOOOOOOOOOOOOOOOOOOOOOUUUUUUUUUUUUUUYYYYYYYY      ";

    /// <summary>Letters of which upper case is all that is folded.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Without case: what <c>username-case-sensitivity disable</c> compares.</summary>
    internal static string Case(string name) => name.ToUpperInvariant();

    /// <summary>Without case and accents, composed or not: what <c>username-sensitivity disable</c> compares.</summary>
    internal static string CaseAndAccent(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var letter in name)
        {
            if (char.GetUnicodeCategory(letter) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark))
            {
                text.Append(Base(letter));
            }
        }
        return text.ToString();
    }

    /// <summary>
    /// All spellings that some directory might take for one name have one skeleton: case, accents, full width, blanks and invisible
    /// characters anywhere, and the realm forms <c>name@realm</c>, <c>REALM\name</c> and <c>realm/name</c>.
    /// </summary>
    internal static string Skeleton(string name)
    {
        if (!name.AsSpan().ContainsAnyExcept(Plain))
        {
            return name.ToUpperInvariant();
        }
        var text = new StringBuilder(name.Length);
        foreach (var letter in name)
        {
            var narrow = letter is >= '\uff01' and <= '\uff5e' ? (char)(letter - 0xfee0) : letter;
            if (!char.IsWhiteSpace(narrow) && char.GetUnicodeCategory(narrow) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control))
            {
                text.Append(Base(narrow));
            }
        }
        var skeleton = text.ToString();
        skeleton = skeleton[(skeleton.LastIndexOfAny(['\\', '/']) + 1)..];
        var at = skeleton.IndexOf('@', StringComparison.Ordinal);
        return at < 0 ? skeleton : skeleton[..at];
    }

    /// <summary>False when the skeleton holds letters whose other spellings are not known here: then nobody can say whose name it is.</summary>
    internal static bool IsDecidable(string skeleton) => skeleton.Length > 0 && Ascii.IsValid(skeleton);

    private static char Base(char letter)
    {
        var found = letter switch
        {
            >= '\u00c0' and <= '\u017f' => LatinFirst[letter - '\u00c0'],
            >= '\u1e00' and <= '\u1eff' => LatinAdditional[letter - '\u1e00'],
            '\u212a' => 'K',
            '\u212b' => 'A',
            _ => ' ',
        };
        return found == ' ' ? char.ToUpperInvariant(letter) : found;
    }
}
