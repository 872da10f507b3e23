using System.Text.Json;
using System.Threading.Channels;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;

namespace Appliance.Lab.Targets;

/// <summary>The emulator's control channel (QMP) on its standard input and output: one command at a time, with events in between.</summary>
internal sealed class Qmp(TextReader output, TextWriter input) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10);

    private readonly Channel<JsonElement> _answers = Channel.CreateUnbounded<JsonElement>();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly TaskCompletionSource _portOpen = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a program in the guest opens its end of the lab link; fails when the emulator ends before.</summary>
    public Task PortOpen => _portOpen.Task;

    public void Dispose() => _one.Dispose();

    /// <summary>Negotiates the capabilities; no other command is accepted before.</summary>
    public async Task BeginAsync()
    {
        _ = ReadAsync();
        await ExecuteAsync("qmp_capabilities");
    }

    /// <summary>Executes a command. Arguments alternate: name, value, name, value.</summary>
    /// <exception cref="LabFailure">The command is refused, or the emulator has ended.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, params object[] arguments)
    {
        await _one.WaitAsync();
        try
        {
            await input.WriteLineAsync(Text(command, arguments));
            await input.FlushAsync();
            using var late = new CancellationTokenSource(Patience, LabClock.Wall);
            var answer = await _answers.Reader.ReadAsync(late.Token);
            return answer.TryGetProperty("return", out var result)
                ? result
                : throw new LabFailure(FailureKind.AssertionFailed, $"the emulator refuses {command}: {answer}");
        }
        catch (Exception gone) when (gone is ChannelClosedException or OperationCanceledException or IOException)
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"the emulator does not answer {command}", gone);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Repeats a query until a field of the reply has the expected value.</summary>
    /// <exception cref="LabFailure">The time limit passed.</exception>
    public async Task UntilAsync(string query, string field, string wanted, TimeSpan atMost)
    {
        var began = LabClock.Wall.GetTimestamp();
        while ((await ExecuteAsync(query)).GetProperty(field).GetString() is var seen && seen != wanted)
        {
            if (seen == "failed" || LabClock.Wall.GetElapsedTime(began) > atMost)
            {
                throw new LabFailure(FailureKind.AssertionFailed, $"the emulator's {query} says {field} {seen}, not {wanted}");
            }
            await Task.Delay(Between, LabClock.Wall);
        }
    }

    /// <summary>Executes a command of the emulator's human monitor that QMP does not have.</summary>
    public async Task MonitorAsync(string line)
    {
        if (await AskMonitorAsync(line) is { Length: > 0 } told)
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"the emulator refuses '{line}': {told.Trim()}");
        }
    }

    /// <summary>Executes such a command and returns its reply.</summary>
    public async Task<string> AskMonitorAsync(string line) =>
        (await ExecuteAsync("human-monitor-command", "command-line", line)).GetString()!;

    private static string Text(string command, object[] arguments)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteString("execute", command);
            json.WriteStartObject("arguments");
            for (var at = 0; at + 1 < arguments.Length; at += 2)
            {
                json.WritePropertyName((string)arguments[at]);
                if (arguments[at + 1] is bool flag)
                {
                    json.WriteBooleanValue(flag);
                }
                else
                {
                    json.WriteStringValue((string)arguments[at + 1]);
                }
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await output.ReadLineAsync() is { } line)
            {
                var said = JsonDocument.Parse(line).RootElement;
                if (said.TryGetProperty("return", out _) || said.TryGetProperty("error", out _))
                {
                    _answers.Writer.TryWrite(said);
                }
                else if (
                    said.TryGetProperty("event", out var name)
                    && name.GetString() == "VSERPORT_CHANGE"
                    && said.GetProperty("data").GetProperty("open").GetBoolean()
                )
                {
                    _portOpen.TrySetResult();
                }
            }
        }
        catch (Exception broken) when (broken is IOException or JsonException or ObjectDisposedException)
        {
            // The emulator ended in the middle of a line.
        }
        _answers.Writer.TryComplete();
        _portOpen.TrySetException(new IOException("the emulator ended"));
        _ = _portOpen.Task.Exception;
    }
}
