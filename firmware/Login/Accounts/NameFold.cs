using System.Buffers;
using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Login.Accounts;

/// <summary>
/// Folds user names to forms in which other spellings of a name are equal. The runtime's own normalization is unavailable on the box
/// (globalization is invariant), so the folded characters are listed here. Characters beyond them are not equal to any other, and
/// <see cref="IsDecidable"/> reports them.
/// </summary>
internal static class NameFold
{
    // Base letters of U+00C0 to U+017F and of U+1E00 to U+1EFF, in upper case. A blank means that there is none.
    private const string LatinFirst =
        "AAAAAA CEEEEIIII NOOOOO  UUUUY  AAAAAA CEEEEIIII NOOOOO  UUUUY Y"
        + "AAAAAACCCCCCCCDD  EEEEEEEEEEGGGGGGGGHH  IIIIIIIIII  JJKK LLLLLL "
        + "   NNNNNN   OOOOOO  RRRRRRSSSSSSSSTTTT  UUUUUUUUUUUUWWYYYZZZZZZS";

    private const string LatinAdditional =
        "AABBBBBBCCDDDDDDDDDDEEEEEEEEEEFFGGHHHHHHHHHHIIIIKKKKKKLLLLLLLLMM"
        + "MMMMNNNNNNNNOOOOOOOOPPPPRRRRRRRRSSSSSSSSSSTTTTTTTTUUUUUUUUUUVVVV"
        + "WWWWWWWWWWXXXXYYZZZZZZHTWY S    AAAAAAAAAAAAAAAAAAAAAAAAEEEEEEEE"
        + "EEEEEEEEIIIIOOOOOOOOOOOOOOOOOOOOOOOOUUUUUUUUUUUUUUYYYYYYYY      ";

    /// <summary>Characters for which folding is only the conversion to upper case.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    /// <summary>Folds case: the comparison of <c>username-case-sensitivity disable</c>.</summary>
    internal static string Case(string name) => name.ToUpperInvariant();

    /// <summary>Folds case and accents, composed or not: the comparison of <c>username-sensitivity disable</c>.</summary>
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
    /// Returns the form that is common to all spellings that some directory might take for one name. It ignores case, accents, full width,
    /// blanks and invisible characters anywhere, and the realm in <c>name@realm</c>, <c>REALM\name</c> and <c>realm/name</c>.
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
            if (
                !char.IsWhiteSpace(narrow)
                && char.GetUnicodeCategory(narrow)
                    is not (
                        UnicodeCategory.NonSpacingMark
                        or UnicodeCategory.EnclosingMark
                        or UnicodeCategory.Format
                        or UnicodeCategory.Control
                    )
            )
            {
                text.Append(Base(narrow));
            }
        }
        var skeleton = text.ToString();
        skeleton = skeleton[(skeleton.LastIndexOfAny(['\\', '/']) + 1)..];
        var at = skeleton.IndexOf('@', StringComparison.Ordinal);
        return at < 0 ? skeleton : skeleton[..at];
    }

    /// <summary>
    /// False if the skeleton has letters whose other spellings are not listed here, so that its user cannot be determined.
    /// </summary>
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
