using Appliance.Doubles.Phones;
using Appliance.Firmware.Enrolment;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Api;

/// <content>Phones, their enrolment, and the inbox.</content>
public sealed partial class LabApi
{
    private Phone Find(string serial) => _phones.Find(serial) ?? throw LabProblem.NotFound($"no phone '{serial}'");

    private Task PhonesAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(
            context,
            [.. _phones.Phones.Select(phone => PhoneJson.Of(phone.View(), _phones.IsElsewhere(phone)))],
            LabJson.Default.IReadOnlyListPhoneJson
        );
    }

    private async Task EnrolAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        var fields = await LabRequest.ObjectAsync(context.Request, "activation", "platform");
        var platform = fields.ContainsKey("platform") ? LabRequest.Word(fields, "platform", "ios", "android") : "ios";
        var (phone, answer) = await _phones.EnrolAsync(LabRequest.Text(fields, "activation"), platform);
        if (phone is null)
        {
            throw new LabProblem(
                answer.ErrorCode == EnrolmentAnswer.CodeInvalid ? StatusCodes.Status403Forbidden : StatusCodes.Status409Conflict,
                answer.Message
            )
            {
                ErrorCode = answer.ErrorCode,
            };
        }
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.Headers.Location = "/phone/" + phone.Enrolment;
        await JsonAsync(context, PhoneJson.Of(phone.View(), _phones.IsElsewhere(phone)), LabJson.Default.PhoneJson);
    }

    private Task InboxAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        return JsonAsync(context, [.. Inbox.Letters.Select(LetterJson.Of)], LabJson.Default.IReadOnlyListLetterJson);
    }

    private async Task EmptyInboxAsync(HttpContext context)
    {
        LabRequest.Query(context.Request);
        await LabRequest.NoBodyAsync(context.Request);
        Inbox.Clear();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task ChangePhoneAsync(HttpContext context, Phone phone)
    {
        LabRequest.Query(context.Request);
        var fields = await LabRequest.ObjectAsync(context.Request, "mode", "delayMs", "skewSeconds", "online");
        // Read the whole body before changing anything.
        phone.Change(
            new PhoneChange(
                fields.ContainsKey("mode")
                    ? Enum.Parse<PhoneMode>(LabRequest.Word(fields, "mode", "manual", "approve", "deny", "ignore"), ignoreCase: true)
                    : null,
                fields.ContainsKey("delayMs") ? TimeSpan.FromMilliseconds(LabRequest.Number(fields, "delayMs", 0, 86_400_000)) : null,
                fields.ContainsKey("skewSeconds") ? TimeSpan.FromSeconds(LabRequest.Number(fields, "skewSeconds", -86_400, 86_400)) : null,
                fields.ContainsKey("online") ? LabRequest.Flag(fields, "online") : null
            )
        );
        await JsonAsync(context, PhoneJson.Of(phone.View(), _phones.IsElsewhere(phone)), LabJson.Default.PhoneJson);
    }

    private static async Task AnswerAsync(HttpContext context, Phone phone, bool approve)
    {
        LabRequest.Query(context.Request);
        string? number = null;
        if (approve)
        {
            var fields = await LabRequest.OptionalObjectAsync(context.Request, "number");
            number = fields.ContainsKey("number")
                ? ((int)LabRequest.Number(fields, "number", 10, 99)).ToString(System.Globalization.CultureInfo.InvariantCulture)
                : null;
        }
        else
        {
            await LabRequest.NoBodyAsync(context.Request);
        }
        var (answer, reason) = await phone.AnswerOldestAsync(approve, context.RequestAborted, number);
        if (answer is null)
        {
            throw reason == NoAnswer.Offline
                ? new LabProblem(StatusCodes.Status409Conflict, $"phone {phone.Serial} is offline")
                : LabProblem.NotFound($"no push is pending on phone {phone.Serial}");
        }
        await JsonAsync(
            context,
            new AnsweredJson(answer.Session, answer.Status, answer.OutcomeText, answer.Detail),
            LabJson.Default.AnsweredJson
        );
    }
}
