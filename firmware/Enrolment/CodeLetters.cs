using System.Globalization;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Mail;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Enrolment;

/// <summary>
/// Sends activation codes and one-time codes by e-mail and SMS. No caller waits for a delivery. A failed one is logged as an
/// event.
/// </summary>
public sealed class CodeLetters(MailService mail, EventLog events, TimeProvider time) : ICodeGateway
{
    private readonly WorkTracker? _work = WorkTracker.Of(time);

    /// <inheritdoc/>
    public void Send(CodeOrder order) => WorkTracker.Run(_work, () => SendAsync(order));

    /// <summary>Sends an activation code to every address of the token's user: <c>email-to</c> and <c>sms-phone</c>.</summary>
    public void Send(ActivationOrder order)
    {
        var owner = order.Owner.Entry;
        string Of(string attribute) => owner.Schema.Attribute(attribute) is null ? "" : owner.Text(attribute);
        if (Of("email-to") is { Length: > 0 } address)
        {
            var letter = new Letter(
                address,
                $"Activation of token {order.Serial}",
                $"""
                User: {order.Owner.Name}
                Token: {order.Serial}
                Activation code: {order.Code}
                Valid until: {Time(order.Expires)}

                Type the code into the app, or scan the picture with it.

                """,
                ActivationQr.Png(order.Code)
            );
            WorkTracker.Run(
                _work,
                () =>
                    DeliverAsync(
                        $"Activation code of {order.Serial} for user {order.Owner.Name} by mail",
                        order.Owner.Name,
                        mail.SendAsync(letter)
                    )
            );
        }
        if (Of("sms-phone") is { Length: > 0 } number)
        {
            var gateway = Of("sms-server") == "custom" ? Of("sms-custom-server") : "";
            WorkTracker.Run(
                _work,
                () =>
                    DeliverAsync(
                        $"Activation code of {order.Serial} for user {order.Owner.Name} by SMS",
                        order.Owner.Name,
                        mail.SendMessageAsync(
                            gateway,
                            number,
                            $"Activation code of {order.Serial}: {order.Code}, valid until {Time(order.Expires)}\n"
                        )
                    )
            );
        }
    }

    private async Task SendAsync(CodeOrder order)
    {
        var text = $"Your authentication code is {order.Code}, valid until {Time(order.Expires)}\n";
        var sending =
            order.To.Channel == CodeChannel.Email
                ? mail.SendAsync(new Letter(order.To.Address, "Authentication code", text))
                : mail.SendMessageAsync(order.To.SmsServer, order.To.Address, text);
        if (await DeliverAsync($"Authentication code for user {order.User}", order.User, sending).ConfigureAwait(false))
        {
            events.Write(
                new EventEntry(
                    "0102038411",
                    "user",
                    EventLevel.Notice,
                    "Two-factor authentication code sent",
                    ("user", order.User),
                    ("action", "send"),
                    ("msg", $"Send two-factor authentication code to {order.To.Address}")
                )
            );
        }
    }

    /// <summary>Waits for a delivery and logs a failure. The event's id is *assumed*: the one after 38411.</summary>
    private async Task<bool> DeliverAsync(string what, string user, Task<string?> sending)
    {
        if (await sending.ConfigureAwait(false) is not { } failure)
        {
            return true;
        }
        events.Write(
            new EventEntry(
                "0102038412",
                "user",
                EventLevel.Error,
                "Two-factor authentication code not sent",
                ("user", user),
                ("action", "send"),
                ("status", "failure"),
                ("msg", $"{what} was not sent: {failure}")
            )
        );
        return false;
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
