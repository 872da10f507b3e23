using System.CommandLine;
using System.Text.Json;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Text;
using Appliance.Lab.Messages;

namespace Appliance.Tool;

/// <summary><c>inbox</c>: shows the e-mails and the text messages of the running lab.</summary>
internal static class InboxVerb
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "JSON on stdout, pictures as base64" };
        var port = UpVerb.LabPortOption();
        var command = new Command(
            "inbox",
            "The mail and the text messages of the running lab, newest last; activation codes as QR codes too.\n\nExample: run inbox --json"
        )
        {
            json,
            port,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                using var lab = new LabClient(parsed.GetValue(port));
                var letters = await lab.InboxAsync(cancellationToken);
                if (parsed.GetValue(json))
                {
                    Console.WriteLine(JsonSerializer.Serialize(letters, LabJson.Default.IReadOnlyListLetterJson));
                }
                else
                {
                    Show(letters);
                }
                return ExitCode.Ok;
            }
        );
        return command;
    }

    private static void Show(IReadOnlyList<LetterJson> letters)
    {
        if (letters.Count == 0)
        {
            Console.WriteLine("nothing came");
        }
        foreach (var letter in letters)
        {
            Console.WriteLine($"{letter.Time:yyyy-MM-dd HH:mm:ss}  {letter.Kind} to {Visible(letter.To)}  {Visible(letter.Subject)}");
            foreach (var line in letter.Text.TrimEnd().Split('\n'))
            {
                Console.WriteLine("    " + Visible(line));
            }
            if (letter is { Png: not null, Code: { } code })
            {
                Console.Write(ActivationQr.Text(code));
            }
            Console.WriteLine();
        }
    }

    /// <summary>Masks control characters: no sender may move the terminal's cursor.</summary>
    private static string Visible(string text) => ControlCharacters.Mask(text);
}
