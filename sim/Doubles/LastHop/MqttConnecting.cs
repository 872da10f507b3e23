using System.Globalization;
using MQTTnet;
using MQTTnet.Exceptions;

namespace Appliance.Doubles.LastHop;

/// <summary>Connects to a broker and reports the reason of a failure.</summary>
internal static class MqttConnecting
{
    /// <summary>Connects a client.</summary>
    /// <exception cref="MqttCommunicationException">
    /// The broker refused, and the message has its reason code (MQTT 5, section 3.2.2.2); or it is unreachable.
    /// </exception>
    public static async Task ConnectAsync(IMqttClient client, MqttAddress broker, string clientId, CancellationToken cancellationToken)
    {
        var answer = await client.ConnectAsync(broker.For(clientId), cancellationToken);
        if (answer.ResultCode != MqttClientConnectResultCode.Success)
        {
            throw new MqttCommunicationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the broker refuses the connection: {answer.ResultCode} (reason code 0x{(int)answer.ResultCode:x2}){(answer.ReasonString is { Length: > 0 } why ? ": " + why : "")}"
                )
            );
        }
    }

    /// <summary>Returns the reason for which a connection failed or was lost, in one line.</summary>
    public static string Why(Exception failure) => failure.InnerException?.Message ?? failure.Message;
}
