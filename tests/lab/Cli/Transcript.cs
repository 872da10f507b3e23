using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Tests.Cli;

/// <summary>
/// A golden transcript: lines <c>#! key value</c> that set up the run, the typed lines, a line <c>----</c>, and exactly what a terminal
/// shows. What differs by run (ENC values, the serial number, conf_file_ver, what is random about tokens) is masked.
/// </summary>
internal sealed partial record Transcript(string File, string Head, string Typed, string Expected)
{
    private const string Mark = "----\n";

    /// <summary>The release to behave like (<c>#! personality 7.4</c>).</summary>
    public Personality Personality { get; private init; } = Personality.Default;

    /// <summary>True if the console prompts for a login (<c>#! login</c>).</summary>
    public bool Login { get; private init; }

    /// <summary>
    /// The size of the terminal at which the input is typed key by key (<c>#! terminal 24 80</c>), and whose final screen is shown; null
    /// for none.
    /// </summary>
    public TerminalSize? Terminal { get; private init; }

    /// <summary>The input to send.</summary>
    public byte[] Bytes => Terminal is null ? Encoding.UTF8.GetBytes(Typed) : TerminalKeyNames.Bytes(Typed);

    /// <summary>Reads a file; throws on an unknown key.</summary>
    public static Transcript Read(string file)
    {
        var text = System.IO.File.ReadAllText(file);
        var mark = text.StartsWith(Mark, StringComparison.Ordinal) ? 0 : text.IndexOf("\n" + Mark, StringComparison.Ordinal) + 1;
        // A file without the mark is new: UPDATE_GOLDEN=1 writes the rest.
        var (input, shown) =
            mark == 0 && !text.StartsWith(Mark, StringComparison.Ordinal) ? (text, "") : (text[..mark], text[(mark + Mark.Length)..]);
        var lines = input.Split('\n');
        var settings = lines.TakeWhile(line => line.StartsWith("#! ", StringComparison.Ordinal)).ToArray();
        var head = string.Concat(settings.Select(line => line + "\n"));
        var transcript = new Transcript(file, head, input[head.Length..], shown.EndsWith('\n') ? shown[..^1] : shown);
        return settings.Aggregate(
            transcript,
            (made, line) =>
                line[3..].Split(' ', 2) switch
                {
                    ["personality", var name] => made with
                    {
                        Personality = Personality.Find(name) ?? throw new InvalidDataException($"{file}: no personality {name}"),
                    },
                    ["login"] => made with { Login = true },
                    ["terminal", var size] when size.Split(' ') is [var rows, var columns] => made with
                    {
                        Terminal = new TerminalSize(int.Parse(rows), int.Parse(columns)),
                    },
                    _ => throw new InvalidDataException($"{file}: '{line}' is not understood"),
                }
        );
    }

    /// <summary>Writes the output after the mark.</summary>
    public void Rewrite(string shown) =>
        System.IO.File.WriteAllText(File, Head + Typed + (Typed.EndsWith('\n') ? "" : "\n") + Mark + shown + "\n");

    /// <summary>Returns the output as the file has it: a terminal's as rows of its screen, without the parts that differ by run.</summary>
    public string Seen(string shown)
    {
        if (Terminal is null)
        {
            return Masked(shown);
        }
        var screen = new VtScreen(Terminal.Columns);
        screen.Write(shown);
        return Masked(string.Join('\n', screen.Rows));
    }

    private static string Masked(string shown) =>
        MaskedMachine(
            MaskedTokens(
                Versions().Replace(Serials().Replace(Secrets().Replace(shown, "ENC ****"), "FGVMLAB*********"), "conf_file_ver=****")
            )
        );

    /// <summary>Masks the state of the machine: its load, its memory, times of round trips, and a new key.</summary>
    private static string MaskedMachine(string shown) =>
        ApiKeys()
            .Replace(
                Memory()
                    .Replace(
                        Processes()
                            .Replace(
                                Load().Replace(RoundTrips().Replace(shown, "*.* ms"), "*U, 0N, *S, *I, 0WA, 0HI, 0SI, 0ST; *T, *F"),
                                "       appliance     ****      *  *.*     *.*"
                            ),
                        "(memory)\n"
                    ),
                "New API key: ****"
            );

    private static string MaskedTokens(string shown) =>
        Pictures()
            .Replace(
                ActivationCodes().Replace(TrialTokens().Replace(shown, "FTKMOB**********"), "Activation code: ****************"),
                "(QR code)\n"
            );

    [GeneratedRegex(@"\d+\.\d+(/\d+\.\d+)* ms")]
    private static partial Regex RoundTrips();

    [GeneratedRegex(@"\d+U, 0N, \d+S, \d+I, 0WA, 0HI, 0SI, 0ST; \d+T, \d+F")]
    private static partial Regex Load();

    [GeneratedRegex(@" +appliance +\d+ +[RS] +\d+\.\d +\d+\.\d( +\d+)?")]
    private static partial Regex Processes();

    [GeneratedRegex(@"(?:[A-Z]\w*(?:\(\w+\))?: +\d+ kB\n)+")]
    private static partial Regex Memory();

    [GeneratedRegex("New API key: [A-Za-z0-9]{30}")]
    private static partial Regex ApiKeys();

    /// <summary>Matches the displayed serial numbers of trial tokens; the lab's own begin with zeros.</summary>
    [GeneratedRegex("FTKMOB(?!00)[0-9A-F]{10}(?= is imported)")]
    private static partial Regex TrialTokens();

    [GeneratedRegex("Activation code: [A-Z2-7]{16}")]
    private static partial Regex ActivationCodes();

    [GeneratedRegex("(?:[█▀▄ ]{20,}\n)+")]
    private static partial Regex Pictures();

    [GeneratedRegex("ENC [A-Za-z0-9+/]{8,}={0,2}")]
    private static partial Regex Secrets();

    [GeneratedRegex("FGVMLAB[0-9A-F]{9}")]
    private static partial Regex Serials();

    [GeneratedRegex("conf_file_ver=[0-9]+")]
    private static partial Regex Versions();
}
