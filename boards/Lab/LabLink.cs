using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Nerdbank.Streams;

namespace Appliance.LabLink;

/// <summary>What the bench begins with, once for each scenario.</summary>
/// <param name="Configuration">What a fresh state boots.</param>
/// <param name="Personality">The release to be.</param>
/// <param name="Now">The bench's time, which is the box's from then on: its clock stood still in the snapshot. Null: the box has a clock of its own.</param>
/// <param name="Fresh">False: a unit that runs goes on, and the state of one that ran before is taken up.</param>
internal sealed record LinkStart(string Configuration, string Personality, DateTimeOffset? Now, bool Fresh = true);

/// <summary>
/// What the bench wants to know: events after an id, steps of logins after a number of them, at most <see cref="Most"/> of each; what is waited for is another number of changes.
/// </summary>
internal sealed record LinkAsk(long EventsAfter, long StepsAfter, long Change = 0)
{
    public const int Most = 1000;
}

/// <summary>What the box is, whether a unit runs or not.</summary>
/// <param name="Board">The name of its board.</param>
/// <param name="Nics">Its interfaces, with the addresses that the board gives them.</param>
internal sealed record LinkBoard(string Board, IReadOnlyList<LinkBoardNic> Nics);

internal sealed record LinkBoardNic(string Name, string Address, int PrefixLength);

/// <summary>The box at one moment.</summary>
/// <param name="Boots">How many units have come up; 0 while the first has not.</param>
/// <param name="Up">False between two units.</param>
/// <param name="Serial">Its serial number.</param>
/// <param name="Host">Its host name.</param>
/// <param name="Version">Another number after each change of the configuration.</param>
/// <param name="DeviceCa">The certificate of the device CA, DER.</param>
/// <param name="Nics">Its interfaces.</param>
/// <param name="Services">What listens.</param>
/// <param name="Mail">Where it sends mail to; null when nowhere.</param>
/// <param name="SmsDomains">The mail domains of its SMS gateways.</param>
/// <param name="Phones">What the phones of its tokens hold.</param>
/// <param name="Policy">The lab's own rules.</param>
/// <param name="Steps">The steps of logins that were asked for, in order.</param>
/// <param name="Events">The events that were asked for, oldest first.</param>
/// <param name="Users">The names of its local users, in order.</param>
/// <param name="StepsTold">How many steps of logins were told with these.</param>
/// <param name="Change">How often something had changed before this was looked at.</param>
/// <param name="Off">Why no unit runs and none will by itself: empty after a shutdown; null while one runs, or comes.</param>
internal sealed record LinkState(
    int Boots, bool Up, string Serial, string Host, long Version, byte[] DeviceCa, IReadOnlyList<LinkNic> Nics, IReadOnlyList<LinkService> Services, string? Mail,
    IReadOnlyList<string> SmsDomains, IReadOnlyList<LinkPhone> Phones, LabPolicy Policy, IReadOnlyList<LinkStep> Steps, IReadOnlyList<LinkEvent> Events,
    IReadOnlyList<string> Users, long StepsTold, long Change, string? Off);

internal sealed record LinkNic(string Name, string Address, IReadOnlyList<string> AllowAccess, bool LinkUp);

/// <param name="Certificate">What it shows, DER in base64; null while it shows none.</param>
internal sealed record LinkService(string Service, string Nic, string EndPoint, string? Certificate);

internal sealed record LinkPhone(string Serial, byte[] Seed, TimeSpan Step, int Digits, string RegistrationId, string OsVersion, string? User);

/// <param name="Boot">Of which unit: logins count from 1 again with the next.</param>
internal sealed record LinkStep(int Boot, long Login, DateTimeOffset Time, LoginFact Fact);

internal sealed record LinkEvent(long Id, DateTimeOffset Time, string LogId, string Subtype, int Level, string Description, IReadOnlyList<KeyValuePair<string, string>> Fields);

/// <summary>A push on its way to the bench's phones.</summary>
internal sealed record LinkPush(
    string Recipient, string TokenSerial, string SessionId, string CallbackHost, int CallbackPort, string User, string ClientAddress, DateTimeOffset Time, DateTimeOffset Expires, string OsVersion, bool NumberMatch);

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

/// <summary>The other end could not do what it was asked for.</summary>
internal sealed class LinkException(string message) : IOException(message);

/// <summary>
/// The lab link: calls in both directions over one connection. A call is a channel of its own, named after it: the question as JSON, then the answer as
/// JSON behind a plus, or a reason behind an exclamation mark. Nothing here is part of a box that is no test image.
/// </summary>
internal static class Link
{
    public const string Start = "start";
    public const string State = "state";
    public const string Board = "board";

    /// <summary>As <see cref="State"/>, once there is something new, or after <see cref="WaitMax"/>.</summary>
    public const string Wait = "wait";

    public const string Cli = "cli";

    /// <summary>Shows a word at the box's own console, so that a bench may see which console that is.</summary>
    public const string Say = "say";

    /// <summary>A console: what its channel carries tells <see cref="ConsoleWire"/>.</summary>
    public const string Console = "console";
    public const string SetPolicy = "policy";
    public const string Enrol = "enrol";
    public const string Push = "push";

    /// <summary>What the bench writes at a port of virtio-serial before anything else: whoever hears it begins.</summary>
    public const byte Hello = (byte)'L';

    /// <summary>So long at most an agent waits for something new; what nobody tells it (a cable) is seen as late as that.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    private const int MessageMax = 4 * 1024 * 1024;

    /// <summary>Asks the other end.</summary>
    /// <exception cref="LinkException">It says why not.</exception>
    public static async Task<TAnswer> CallAsync<TQuestion, TAnswer>(
        MultiplexingStream link, string call, TQuestion question, JsonTypeInfo<TQuestion> questionType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        using var channel = await link.OfferChannelAsync(call, cancellationToken).ConfigureAwait(false);
        await SendAsync(channel, JsonSerializer.SerializeToUtf8Bytes(question, questionType), cancellationToken).ConfigureAwait(false);
        var answer = await ReadAsync(channel.Input, cancellationToken).ConfigureAwait(false);
        return answer.Length > 0 && answer[0] == '+' ? JsonSerializer.Deserialize(answer.AsSpan(1), answerType)! : throw new LinkException(answer.Length > 0 ? Encoding.UTF8.GetString(answer.AsSpan(1)) : $"{call}: the link broke");
    }

    /// <summary>Serves a call, again and again, until the link or the caller ends it.</summary>
    public static Task ServeAsync<TQuestion, TAnswer>(
        MultiplexingStream link, string call, JsonTypeInfo<TQuestion> questionType, JsonTypeInfo<TAnswer> answerType, Func<TQuestion, Task<TAnswer>> answer, CancellationToken stop) =>
        ServeAsync(link, call, channel => AnswerAsync(channel, questionType, answerType, answer, stop), stop);

    /// <summary>Serves each channel of a name as it comes, until the link ends.</summary>
    public static async Task ServeAsync(MultiplexingStream link, string call, Func<MultiplexingStream.Channel, Task> serve, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var channel = await link.AcceptChannelAsync(call, stop).ConfigureAwait(false);
                _ = serve(channel);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or ObjectDisposedException or IOException or MultiplexingProtocolException)
        {
            // The link is gone, and with it everybody who could call.
        }
    }

    private static async Task AnswerAsync<TQuestion, TAnswer>(MultiplexingStream.Channel channel, JsonTypeInfo<TQuestion> questionType, JsonTypeInfo<TAnswer> answerType, Func<TQuestion, Task<TAnswer>> answer, CancellationToken stop)
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
            catch (Exception gone) when (gone is OperationCanceledException or ObjectDisposedException or IOException or MultiplexingProtocolException or InvalidOperationException)
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
