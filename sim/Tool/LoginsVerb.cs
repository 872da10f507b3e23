using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Text;
using Appliance.Lab.Messages;
using Spectre.Console;

namespace Appliance.Tool;

/// <summary><c>logins</c>: shows the reason for which each login was granted or refused.</summary>
internal static class LoginsVerb
{
    private const int Newest = 20;

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "JSON on stdout" };
        var port = UpVerb.LabPortOption();
        var id = new Argument<long?>("ID")
        {
            Description = "One login, step by step; without it the newest are listed",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command(
            "logins",
            "Logins of the running lab: the checks, the deciding step, and the setting that would change it.\n\nExample: run logins 17"
        )
        {
            id,
            json,
            port,
        };
        command.SetAction(
            async (parsed, cancel) =>
            {
                using var lab = new LabClient(parsed.GetValue(port));
                return parsed.GetValue(id) is { } one
                    ? await OneAsync(lab, one, parsed.GetValue(json), cancel)
                    : await ListAsync(lab, parsed.GetValue(json), cancel);
            }
        );
        return command;
    }

    private static async Task<int> ListAsync(LabClient lab, bool json, CancellationToken cancellationToken)
    {
        var logins = await lab.LoginsAsync(Newest, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(logins, LabJson.Default.IReadOnlyListLoginJson));
            return ExitCode.Ok;
        }
        var table = new Table().Border(TableBorder.Rounded).AddColumns("id", "time", "user", "outcome", "decided by");
        foreach (var login in logins)
        {
            table.AddRow(
                new Text(login.Id.ToString(CultureInfo.InvariantCulture)),
                new Text(Time(login.Time)),
                new Text(Printable(login.User)),
                new Text(login.Outcome),
                new Text(login.DecidedBy is { } by ? $"{by.Check}: {by.Result}" : "-")
            );
        }
        AnsiConsole.Write(table);
        return ExitCode.Ok;
    }

    private static async Task<int> OneAsync(LabClient lab, long id, bool json, CancellationToken cancellationToken)
    {
        var login = await lab.LoginAsync(id, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(login, LabJson.Default.LoginJson));
            return ExitCode.Ok;
        }
        Console.WriteLine($"login {login.Id} of {Printable(login.User)}: {login.Outcome}");
        foreach (var step in login.Steps!)
        {
            var subject = step.Subject is { } named ? $" [{Printable(named)}]" : "";
            var until = step.Deadline is { } deadline ? $" (until {Time(deadline)})" : "";
            Console.WriteLine(
                $"{(step.Decides ? '*' : ' ')} {Time(step.Time)}  {step.Check}: {Printable(step.Result)}{subject}{until}{(step.Change is { } change ? $"\n      to change it: {change}" : "")}"
            );
        }
        return ExitCode.Ok;
    }

    private static string Time(DateTimeOffset time) => time.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    /// <summary>Masks control characters: a name is any text that a client sent, and must not control the terminal.</summary>
    private static string Printable(string text) => ControlCharacters.Mask(text);
}
