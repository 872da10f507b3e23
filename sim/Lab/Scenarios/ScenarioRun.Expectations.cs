using System.Globalization;
using System.IO.Enumeration;
using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;

namespace Appliance.Lab.Scenarios;

/// <content>The expectations and their failure texts.</content>
internal sealed partial class ScenarioRun
{
    private const int EventsShown = 20;

    private Task ExpectAsync(ScenarioStep step)
    {
        switch (step.Word.Word)
        {
            case "expect-login":
                ExpectLogin(step, LoginOf(step));
                break;
            case "expect-timeline":
                ExpectTimeline(step, LoginOf(step));
                break;
            case "expect-event":
                ExpectEvent(step);
                break;
            case "expect-phone":
                ExpectPhone(step);
                break;
            case "expect-port":
                return ExpectPortAsync(step);
            case "expect-led":
                return ExpectLedAsync(step);
            case "expect-letter":
                ExpectLetter(step);
                break;
            case "expect-fault":
                var fired = Has(_box.Faults).States.Where(state => state.Fault.Word.Name == step.Subject).Sum(state => state.Fired);
                if (step.Whole("fired") is { } times ? fired != times : fired == 0)
                {
                    throw new StepFailed(
                        $"{step.Subject} has fired {(step.Whole("fired") is { } number ? $"{number} times" : "")}",
                        $"it has fired {fired} times"
                    );
                }
                break;
            default:
                throw new InvalidOperationException($"{step.Word.Word} is in the table and is not served");
        }
        return Task.CompletedTask;
    }

    private void ExpectLogin(ScenarioStep step, LoginAttempt login)
    {
        var reply = login.Client.Reply;
        var seen = login.Client.Waits
            ? StepWord.Waiting
            : reply?.Word switch
            {
                StepWord.In => StepWord.In,
                StepWord.Lost => StepWord.Lost,
                "push" or "code" or StepWord.Wait or "next-code" => StepWord.Asked,
                _ => StepWord.Refused,
            };
        if (seen != step.Subject)
        {
            throw new StepFailed(
                $"the login of {login.User} is: {step.Subject}",
                $"it is: {seen}{(login.Client.Waits ? "" : $" ({reply?.Body})")}",
                login
            );
        }
        if (
            step.Text("by") is { } words
            && Steps(login).Where(fact => fact.Fact.Decides).Select(Told).LastOrDefault() is var decision
            && decision?.Contains(words, StringComparison.Ordinal) != true
        )
        {
            throw new StepFailed(
                $"the login of {login.User} was decided by: {words}",
                decision is null ? "nothing has decided it" : $"it was decided by: {decision}",
                login
            );
        }
    }

    private void ExpectTimeline(ScenarioStep step, LoginAttempt login)
    {
        var count = Steps(login).Count(fact => Told(fact).Contains(step.Subject, StringComparison.Ordinal));
        if (step.Whole("count") is { } exactly ? count != exactly : count == 0)
        {
            throw new StepFailed($"the login of {login.User} has {Times(step)} \"{step.Subject}\"", $"it has {count}", login);
        }
    }

    private void ExpectEvent(ScenarioStep step)
    {
        var with = step.Fields("with") ?? new Dictionary<string, string>();
        bool Suits(EventEntry entry) =>
            entry.LogId.EndsWith(step.Subject, StringComparison.Ordinal)
            && with.All(field =>
                entry.Fields.Any(known =>
                    known.Name == field.Key
                    && FileSystemName.MatchesSimpleExpression(
                        field.Value.Replace("\\", "\\\\", StringComparison.Ordinal),
                        known.Value,
                        ignoreCase: false
                    )
                )
            );
        var count = _box.Events.Count(record => Suits(record.Entry));
        if (step.Whole("count") is { } exactly ? count != exactly : count == 0)
        {
            throw new StepFailed(
                $"{Times(step)} event {step.Subject}{string.Concat(with.Select(field => $" {field.Key}=\"{field.Value}\""))}",
                $"{count} of them; the last {EventsShown} events:\n{string.Join('\n', _box.Events.TakeLast(EventsShown).Select(record => record.Line))}"
            );
        }
    }

    private void ExpectPhone(ScenarioStep step)
    {
        var phone = ViewOf(step.Subject);
        if (step.Whole("pending") is { } pending && phone.Pending.Count != pending)
        {
            throw new StepFailed($"{pending} pushes wait on the phone of {step.Subject}", $"{phone.Pending.Count} do");
        }
        if (step.Flag("online") is { } online && phone.Online != online)
        {
            throw new StepFailed($"the phone of {step.Subject} is {(online ? "on" : "off")}", $"it is {(phone.Online ? "on" : "off")}");
        }
        var last = phone.LastAnswer;
        if (step.Text("last") is { } word && (last is null || WordOf(last) != word))
        {
            throw new StepFailed(
                $"the last answer of the phone of {step.Subject} is {word}",
                last is null ? "it has given none" : $"it is {WordOf(last)} ({last.Detail})"
            );
        }
        if (step.Text("detail") is { } words && last?.Detail.Contains(words, StringComparison.Ordinal) != true)
        {
            throw new StepFailed(
                $"the last answer of the phone of {step.Subject} tells \"{words}\"",
                last is null ? "it has given none" : $"it tells \"{last.Detail}\""
            );
        }
    }

    private async Task ExpectPortAsync(ScenarioStep step)
    {
        if (
            step.Subject.Split(':') is not [var name, var digits]
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535
        )
        {
            throw new FormatException($"expect-port takes INTERFACE:PORT, not '{step.Subject}'");
        }
        var nic = NicOf(name);
        var wanted = step.Text("state") ?? "open";
        var seen = await _box.IsOpenAsync(new IPEndPoint(_box.Nics.First(known => known.Name == nic).Address, port)) ? "open" : "closed";
        if (seen != wanted)
        {
            throw new StepFailed(
                $"{step.Subject} is {wanted}",
                $"it is {seen}; there listen: {string.Join(", ", _box.Services.Select(service => $"{service.Service} on {service.Nic}:{service.EndPoint.Port}"))}"
            );
        }
    }

    private async Task ExpectLedAsync(ScenarioStep step)
    {
        if (step.Text("is") is null && step.Text("was") is null)
        {
            throw new FormatException("expect-led needs is or was: on, off, or milliseconds on and off");
        }
        if (step.Text("was") is { } earlier && Has(_box.Panel).LedShown(step.Subject) is var shown && !shown.Contains(earlier))
        {
            throw new StepFailed(
                $"the LED {step.Subject} was {earlier} since the last reboot",
                shown.Count > 0
                    ? $"it was {string.Join(", then ", shown)}"
                    : "no pattern was seen since (a scenario sees one while it restarts the unit: reboot)"
            );
        }
        if (step.Text("is") is { } wanted && await Has(_box.Panel).LedAsync(step.Subject) is var seen && seen != wanted)
        {
            throw new StepFailed($"the LED {step.Subject} is {wanted}", $"it is {seen}");
        }
    }

    private void ExpectLetter(ScenarioStep step)
    {
        var letter =
            Has(_box.Inbox).Letters is [.., var newest]
                ? newest
                : throw new StepFailed($"a letter with \"{step.Subject}\"", "the inbox is empty");
        if (
            !$"{letter.Subject}\n{letter.Text}".Contains(step.Subject, StringComparison.Ordinal)
            || (step.Text("to") is { } to && letter.To != to)
        )
        {
            throw new StepFailed(
                $"the newest letter{(step.Text("to") is { } reader ? $" is to {reader} and" : "")} has \"{step.Subject}\"",
                $"it is to {letter.To}: {letter.Subject}"
            );
        }
    }

    private static string Times(ScenarioStep step) => step.Whole("count") is { } count ? $"exactly {count}" : "at least one";

    private IReadOnlyList<LoginJournalStep> Steps(LoginAttempt login) => _box.Timelines?.TimelineOf(login.Number)?.Steps ?? [];

    private static string Told(LoginJournalStep step) => $"{step.Fact.Check}: {step.Fact.Result}";

    private IReadOnlyList<string> Lines(LoginAttempt? login) =>
        login is null
            ? []
            :
            [
                .. Steps(login)
                    .Select(step =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{(step.Fact.Decides ? '*' : ' ')} {step.Time:HH:mm:ss.fff}  {Told(step)}{(step.Fact.Subject.Length > 0 ? $" [{step.Fact.Subject}]" : "")}"
                        )
                    ),
            ];
}
