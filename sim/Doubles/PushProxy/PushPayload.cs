using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Appliance.Firmware.Ftm;
using Appliance.Hal;

namespace Appliance.Doubles.PushProxy;

/// <summary>The message in the form that APNs and FCM carry (docs/reference/push-dialect.md): all values are strings.</summary>
internal static class PushPayload
{
    private const string Ours = "ftm";

    /// <summary>Returns the payload for APNs: an alert for the user, and the fields under <c>ftm</c>.</summary>
    public static byte[] Apns(PushProxyRequest push) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject
            {
                ["aps"] = new JsonObject
                {
                    ["alert"] = new JsonObject { ["title"] = "Login request", ["body"] = $"{push.User} from {push.ClientIp}" },
                    ["sound"] = "default",
                    ["category"] = "LOGIN",
                },
                [Ours] = Fields(push),
            }
        );

    /// <summary>Returns the fields for FCM, as <c>data</c>.</summary>
    public static JsonObject Fields(PushProxyRequest push) =>
        new()
        {
            ["session"] = push.Session,
            ["callback_ip"] = push.CallbackIp,
            ["callback_port"] = push.CallbackPort.ToString(CultureInfo.InvariantCulture),
            ["token"] = push.Token,
            ["user"] = push.User,
            ["client_ip"] = push.ClientIp,
            ["time"] = push.Time.ToString(CultureInfo.InvariantCulture),
            ["expires"] = push.Expires.ToString(CultureInfo.InvariantCulture),
            ["number_match"] = push.NumberMatch == true ? "1" : "0",
        };

    /// <summary>Reads the payload that a phone gets, or a whole request to FCM; null if it is not of the dialect.</summary>
    public static PushMessage? Read(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var root = OutsideJson.Parse(payload);
            var fields =
                root.TryGetProperty(Ours, out var nested) ? nested
                : root.TryGetProperty("message", out var message) ? message.GetProperty("data")
                : root;
            string Text(string name) => fields.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");
            DateTimeOffset Moment(string name) => DateTimeOffset.FromUnixTimeSeconds(long.Parse(Text(name), CultureInfo.InvariantCulture));
            return new PushMessage(
                "",
                Text("token"),
                Text("session"),
                Text("callback_ip"),
                int.Parse(Text("callback_port"), CultureInfo.InvariantCulture),
                Text("user"),
                IPAddress.Parse(Text("client_ip")),
                Moment("time"),
                Moment("expires"),
                NumberMatch: fields.TryGetProperty("number_match", out var asked) && asked.GetString() == "1"
            );
        }
        catch (Exception wrong)
            when (wrong
                    is JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
                        or FormatException
                        or OverflowException
                        or ArgumentException
            )
        {
            return null;
        }
    }
}
