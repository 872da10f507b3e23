using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Nerdbank.Streams;

namespace Appliance.Link;

/// <summary>The controller's first request, once for each scenario.</summary>
/// <param name="Configuration">The configuration that a fresh state boots.</param>
/// <param name="Personality">The release profile.</param>
/// <param name="Now">The controller's time, which becomes the box's: its clock stopped in the snapshot. Null: the box has its own
/// clock.</param>
/// <param name="Fresh">False: a running unit continues, or the state of the previous unit is loaded.</param>
internal sealed record LinkStart(string Configuration, string Personality, DateTimeOffset? Now, bool Fresh = true);

/// <summary>
/// The controller's state request: events after an id and login steps after a number, at most <see cref="Most"/> of each. A wait ends once
/// the
/// number of changes differs from <c>Change</c>.
/// </summary>
internal sealed record LinkAsk(long EventsAfter, long StepsAfter, long Change = 0)
{
    public const int Most = 1000;
}

/// <summary>The hardware of the box, independent of a running unit.</summary>
/// <param name="Board">The name of its board.</param>
/// <param name="Nics">Its interfaces, with the addresses that the board gives them.</param>
internal sealed record LinkBoard(string Board, IReadOnlyList<LinkBoardNic> Nics);

internal sealed record LinkBoardNic(string Name, string Address, int PrefixLength);

/// <summary>The state of the box at one moment.</summary>
/// <param name="Boots">The number of units that have started; 0 before the first.</param>
/// <param name="Up">False between two units.</param>
/// <param name="Serial">Its serial number.</param>
/// <param name="Host">Its host name.</param>
/// <param name="Version">A number that differs after each change of the configuration.</param>
/// <param name="DeviceCa">The certificate of the device CA, DER.</param>
/// <param name="Nics">Its interfaces.</param>
/// <param name="Services">The active listeners.</param>
/// <param name="Mail">The mail server to which it sends; null if there is none.</param>
/// <param name="SmsDomains">The mail domains of its SMS gateways.</param>
/// <param name="Phones">The phones of its tokens.</param>
/// <param name="Policy">The lab's own policy.</param>
/// <param name="Steps">The requested login steps, in order.</param>
/// <param name="Events">The requested events, oldest first.</param>
/// <param name="Users">The names of its local users, in order.</param>
/// <param name="StepsTold">The number of login steps reported so far, these included.</param>
/// <param name="Change">The number of changes before this state was read.</param>
/// <param name="Off">The reason for which no unit runs and none will start by itself; empty after a shutdown. Null while a unit runs or
/// starts.</param>
internal sealed record LinkState(
    int Boots,
    bool Up,
    string Serial,
    string Host,
    long Version,
    byte[] DeviceCa,
    IReadOnlyList<LinkNic> Nics,
    IReadOnlyList<LinkService> Services,
    string? Mail,
    IReadOnlyList<string> SmsDomains,
    IReadOnlyList<LinkPhone> Phones,
    LabPolicy Policy,
    IReadOnlyList<LinkStep> Steps,
    IReadOnlyList<LinkEvent> Events,
    IReadOnlyList<string> Users,
    long StepsTold,
    long Change,
    string? Off
);

internal sealed record LinkNic(string Name, string Address, IReadOnlyList<string> AllowAccess, bool LinkUp);

/// <param name="Certificate">The certificate that it presents, DER in base64; null while it presents none.</param>
internal sealed record LinkService(string Service, string Nic, string EndPoint, string? Certificate);

internal sealed record LinkPhone(
    string Serial,
    byte[] Seed,
    TimeSpan Step,
    int Digits,
    string RegistrationId,
    string OsVersion,
    string? User
);

/// <param name="Boot">The number of the unit. Logins count from 1 again with the next unit.</param>
internal sealed record LinkStep(int Boot, long Login, DateTimeOffset Time, LoginFact Fact);

internal sealed record LinkEvent(
    long Id,
    DateTimeOffset Time,
    string LogId,
    string Subtype,
    int Level,
    string Description,
    IReadOnlyList<KeyValuePair<string, string>> Fields
);

/// <summary>A push on its way to the controller's phones.</summary>
internal sealed record LinkPush(
    string Recipient,
    string TokenSerial,
    string SessionId,
    string CallbackHost,
    int CallbackPort,
    string User,
    string ClientAddress,
    DateTimeOffset Time,
    DateTimeOffset Expires,
    string OsVersion,
    bool NumberMatch
);

internal sealed record LinkEnrol(string ActivationCode, string RegistrationId, string OsVersion);

internal sealed record LinkEnrolled(int ErrorCode, string Message, string Serial);

[JsonSerializable(typeof(LinkStart))]
[JsonSerializable(typeof(LinkAsk))]
[JsonSerializable(typeof(LinkState))]
[JsonSerializable(typeof(LinkPush))]
[JsonSerializable(typeof(PushResult))]
[JsonSerializable(typeof(LinkEnrol))]
[JsonSerializable(typeof(LinkEnrolled))]
[JsonSerializable(typeof(LinkBoard))]
[JsonSerializable(typeof(LinkConsole))]
[JsonSerializable(typeof(string))]
internal sealed partial class LinkJson : JsonSerializerContext;

/// <summary>The other end could not do as requested.</summary>
internal sealed class LinkException(string message) : IOException(message);

/// <summary>
/// The lab link: calls in both directions over one connection. Each call has a separate channel, named after it. The channel carries the
/// request as JSON, then the answer as JSON after a plus, or a reason after an exclamation mark. Only test images contain it.
/// </summary>
internal static class LinkProtocol
{
    public const string Start = "start";
    public const string State = "state";
    public const string Board = "board";

    /// <summary>As <see cref="State"/>, but answers once there is a change, or after <see cref="WaitMax"/>.</summary>
    public const string Wait = "wait";

    public const string Cli = "cli";

    /// <summary>Shows a word at the box's own console, so that a controller can identify that console.</summary>
    public const string Say = "say";

    /// <summary>Opens a console. <see cref="ConsoleWire"/> documents the content of its channel.</summary>
    public const string Console = "console";
    public const string SetPolicy = "policy";
    public const string Enrol = "enrol";
    public const string Push = "push";

    /// <summary>The first byte that the controller writes to a virtio-serial port. The agent starts when it reads it.</summary>
    public const byte Hello = (byte)'L';

    /// <summary>
    /// The longest time that an agent waits for a change. A change without a notification (a cable) is seen with this delay.
    /// </summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    private const int MessageMax = 4 * 1024 * 1024;

    /// <summary>Calls the other end.</summary>
    /// <exception cref="LinkException">The other end refused; the message is its reason.</exception>
    public static async Task<TAnswer> CallAsync<TQuestion, TAnswer>(
        MultiplexingStream link,
        string call,
        TQuestion question,
        JsonTypeInfo<TQuestion> questionType,
        JsonTypeInfo<TAnswer> answerType,
        CancellationToken cancellationToken
    )
    {
        using var channel = await link.OfferChannelAsync(call, cancellationToken).ConfigureAwait(false);
        await SendAsync(channel, JsonSerializer.SerializeToUtf8Bytes(question, questionType), cancellationToken).ConfigureAwait(false);
        var answer = await ReadAsync(channel.Input, cancellationToken).ConfigureAwait(false);
        return answer.Length > 0 && answer[0] == '+'
            ? JsonSerializer.Deserialize(answer.AsSpan(1), answerType)!
            : throw new LinkException(answer.Length > 0 ? Encoding.UTF8.GetString(answer.AsSpan(1)) : $"{call}: the link broke");
    }

    /// <summary>Serves a call repeatedly, until the link or the caller ends it.</summary>
    public static Task ServeAsync<TQuestion, TAnswer>(
        MultiplexingStream link,
        string call,
        JsonTypeInfo<TQuestion> questionType,
        JsonTypeInfo<TAnswer> answerType,
        Func<TQuestion, Task<TAnswer>> answer,
        CancellationToken stop
    ) => ServeAsync(link, call, channel => AnswerAsync(channel, questionType, answerType, answer, stop), stop);

    /// <summary>Serves each channel of a name as it is offered, until the link ends.</summary>
    public static async Task ServeAsync(
        MultiplexingStream link,
        string call,
        Func<MultiplexingStream.Channel, Task> serve,
        CancellationToken stop
    )
    {
        try
        {
            while (true)
            {
                var channel = await link.AcceptChannelAsync(call, stop).ConfigureAwait(false);
                _ = serve(channel);
            }
        }
        catch (Exception gone)
            when (gone is OperationCanceledException or ObjectDisposedException or IOException or MultiplexingProtocolException)
        {
            // The link is closed, and no caller is left.
        }
    }

    private static async Task AnswerAsync<TQuestion, TAnswer>(
        MultiplexingStream.Channel channel,
        JsonTypeInfo<TQuestion> questionType,
        JsonTypeInfo<TAnswer> answerType,
        Func<TQuestion, Task<TAnswer>> answer,
        CancellationToken stop
    )
    {
        using (channel)
        {
            try
            {
                byte[] told;
                try
                {
                    var question = JsonSerializer.Deserialize(await ReadAsync(channel.Input, stop).ConfigureAwait(false), questionType)!;
                    told = [(byte)'+', .. JsonSerializer.SerializeToUtf8Bytes(await answer(question).ConfigureAwait(false), answerType)];
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    told = [(byte)'!', .. Encoding.UTF8.GetBytes($"{failure.GetType().Name}: {failure.Message}")];
                }
                await SendAsync(channel, told, stop).ConfigureAwait(false);
                await channel.Completion.WaitAsync(stop).ConfigureAwait(false);
            }
            catch (Exception gone)
                when (gone
                        is OperationCanceledException
                            or ObjectDisposedException
                            or IOException
                            or MultiplexingProtocolException
                            or InvalidOperationException
                )
            {
                // The caller is gone.
            }
        }
    }

    private static async Task SendAsync(MultiplexingStream.Channel channel, byte[] message, CancellationToken cancellationToken)
    {
        await channel.Output.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        await channel.Output.CompleteAsync().ConfigureAwait(false);
    }

    private static async Task<byte[]> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (read.IsCompleted)
            {
                var whole = read.Buffer.ToArray();
                await input.CompleteAsync().ConfigureAwait(false);
                return whole;
            }
            if (read.Buffer.Length > MessageMax)
            {
                throw new LinkException($"a message of more than {MessageMax} bytes");
            }
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
