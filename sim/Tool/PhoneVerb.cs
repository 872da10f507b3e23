using System.CommandLine;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Messages;
using Spectre.Console;

namespace Appliance.Tool;

/// <summary><c>phone</c>: controls the phones of the running lab.</summary>
internal static class PhoneVerb
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(500);

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "JSON on stdout", Recursive = true };
        var port = UpVerb.LabPortOption();
        port.Recursive = true;
        var command = new Command("phone", "The phones of the running lab.\n\nExample: run phone approve ann") { json, port };

        var list = new Command("list", "Every phone, its code now and what waits on it.\n\nExample: run phone list --json");
        list.SetAction((parsed, cancel) => WithLabAsync(parsed.GetValue(port), lab => ListAsync(lab, parsed.GetValue(json), cancel)));
        var watch = new Command("watch", "The same, live, until Ctrl-C.\n\nExample: run phone watch");
        watch.SetAction((parsed, _) => WithLabAsync(parsed.GetValue(port), lab => WatchAsync(lab, parsed.GetValue(json))));
        command.Add(list);
        command.Add(watch);
        foreach (var verb in (string[])["approve", "deny"])
        {
            var user = new Argument<string>("USER") { Description = "Whose phone (or a token's serial number)" };
            var answer = new Command(verb, $"Answers the oldest push that waits on a user's phone.\n\nExample: run phone {verb} ann")
            {
                user,
            };
            var number = new Option<int?>("--number")
            {
                Description = "The number that the login shows, when the lab's policy demands one",
            };
            if (verb == "approve")
            {
                answer.Add(number);
            }
            answer.SetAction(
                (parsed, cancel) =>
                    WithLabAsync(
                        parsed.GetValue(port),
                        lab =>
                            AnswerAsync(
                                lab,
                                parsed.GetValue(user)!,
                                verb,
                                verb == "approve" ? parsed.GetValue(number) : null,
                                parsed.GetValue(json),
                                cancel
                            )
                    )
            );
            command.Add(answer);
        }
        command.Add(Enrol(port, json));
        return command;
    }

    private static Command Enrol(Option<int> port, Option<bool> json)
    {
        var code = new Argument<string>("CODE") { Description = "The activation code (it came by mail or SMS: run inbox)" };
        var platform = new Option<string>("--platform") { Description = "ios or android", DefaultValueFactory = _ => "ios" };
        platform.AcceptOnlyFromAmong("ios", "android");
        var enrol = new Command("enrol", "A new phone activates a token.\n\nExample: run phone enrol ABCDEFGHIJKLMNOP --platform android")
        {
            code,
            platform,
        };
        enrol.SetAction(
            (parsed, cancel) =>
                WithLabAsync(
                    parsed.GetValue(port),
                    async lab =>
                    {
                        var phone = await lab.EnrolAsync(parsed.GetValue(code)!, parsed.GetValue(platform)!, cancel);
                        Console.WriteLine(
                            parsed.GetValue(json)
                                ? JsonSerializer.Serialize(phone, LabJson.Default.PhoneJson)
                                : $"{phone.Serial} of {phone.User} is on a new {phone.Platform} phone"
                        );
                        return ExitCode.Ok;
                    }
                )
        );
        return enrol;
    }

    private static async Task<int> WithLabAsync(int port, Func<LabClient, Task<int>> run)
    {
        using var lab = new LabClient(port);
        return await run(lab);
    }

    private static async Task<int> ListAsync(LabClient lab, bool json, CancellationToken cancellationToken)
    {
        var phones = await lab.PhonesAsync(cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(phones, LabJson.Default.IReadOnlyListPhoneJson));
        }
        else
        {
            AnsiConsole.Write(Show(phones));
        }
        return ExitCode.Ok;
    }

    private static async Task<int> WatchAsync(LabClient lab, bool json)
    {
        using var signals = new StopSignals();
        try
        {
            if (json)
            {
                await EachChangeAsync(
                    lab,
                    phones => Console.WriteLine(JsonSerializer.Serialize(phones, LabJson.Default.IReadOnlyListPhoneJson)),
                    signals.Token
                );
            }
            else
            {
                await AnsiConsole
                    .Live(new Table())
                    .StartAsync(view => EachChangeAsync(lab, phones => view.UpdateTarget(Show(phones)), signals.Token));
            }
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            // Ctrl-C is the regular end.
        }
        return ExitCode.Ok;
    }

    private static async Task EachChangeAsync(LabClient lab, Action<IReadOnlyList<PhoneJson>> show, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(WatchInterval, LabClock.Wall);
        var shown = "";
        do
        {
            var phones = await lab.PhonesAsync(cancellationToken);
            var now = JsonSerializer.Serialize(phones, LabJson.Default.IReadOnlyListPhoneJson);
            if (now != shown)
            {
                show(phones);
                shown = now;
            }
        } while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private static async Task<int> AnswerAsync(
        LabClient lab,
        string user,
        string verb,
        int? number,
        bool json,
        CancellationToken cancellationToken
    )
    {
        var phones = (await lab.PhonesAsync(cancellationToken)).Where(phone => phone.User == user || phone.Serial == user).ToList();
        if (phones.Count == 0)
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"{user} has no phone");
        }
        // Of a user with several phones, the one with a pending push is meant.
        var phone = phones.Find(phone => phone.Pending.Count > 0) ?? phones[0];
        var answered = await lab.AnswerAsync(phone.Serial, verb, number, cancellationToken);
        Console.WriteLine(
            json
                ? JsonSerializer.Serialize(answered, LabJson.Default.AnsweredJson)
                : $"{verb} {user}: {answered.Outcome} ({answered.Detail})"
        );
        return answered.Answered == 200 ? ExitCode.Ok : ExitCode.AssertionFailed;
    }

    private static Table Show(IReadOnlyList<PhoneJson> phones)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumns("serial", "user", "platform", "mode", "code", "pending", "last answer");
        foreach (var phone in phones)
        {
            table.AddRow(
                new Text(phone.Serial),
                new Text(phone.User ?? "-"),
                new Text(phone.Platform + (phone.Online ? "" : " (offline)")),
                new Text(phone.Mode),
                new Text(phone.Code),
                new Text(
                    phone.Pending.Count == 0
                        ? "-"
                        : string.Join('\n', phone.Pending.Select(push => $"{push.Message}, until {push.Expires:HH:mm:ss}"))
                ),
                new Text(phone.LastAnswer is { } last ? $"{last.Action}: {last.Outcome}" : "-")
            );
        }
        return table;
    }
}
