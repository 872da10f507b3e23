using System.IO.Pipelines;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>Commands that refresh or stream: what stops them, and where their text is shown.</summary>
public sealed class StreamTests : IDisposable
{
    private const string Root = "lab-appliance # ";
    private readonly StoreFolder _folder = new();
    private readonly CliSession _session;
    private int _iterations;
    private bool _stopped;

    public StreamTests() =>
        _session = new CliSession(
            _folder.Open(LabBoard.DefaultConfiguration()),
            [
                new CliCommand(
                    "diagnose watch",
                    "Streams.",
                    Permissions.System.Read,
                    CliArguments.None,
                    _ => new CliReply("") { Stream = WatchAsync }
                ),
            ]
        );

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("q")]
    [InlineData("Q")]
    [InlineData("\u0003")]
    public async Task A_stream_runs_on_a_terminal_until_its_key_is_typed(string key)
    {
        var (typed, shown) = (new Pipe(), new Pipe());
        var serving = ConsoleStream.RunTerminalAsync(
            _session,
            typed.Reader.AsStream(),
            shown.Writer.AsStream(),
            TerminalSize.Usual,
            CancellationToken.None
        );
        await TypeAsync(typed, "diagnose watch\r");
        await Until.TrueAsync(() => Volatile.Read(ref _iterations) > 2, "three iterations");
        Assert.True(_session.Waits);
        await TypeAsync(typed, "x");
        Assert.False(serving.IsCompleted);
        await TypeAsync(typed, key);
        await TypeAsync(typed, "exit\r");
        Assert.Equal(ConsoleEnd.Exited, await serving);
        await shown.Writer.CompleteAsync();
        var text = await ReadAsync(shown);
        Assert.StartsWith($"{Root}diagnose watch\r\r\niteration 1\r\niteration 2\r\niteration 3\r\n", text, StringComparison.Ordinal);
        Assert.EndsWith($"\r\nstopped\r\n\r\n{Root}exit\r\r\n", text, StringComparison.Ordinal);
        Assert.Equal(2, text.Split(Root).Length - 1);
    }

    [Fact]
    public async Task A_stream_on_a_pipe_stops_at_the_end_of_the_input_and_q_is_no_key()
    {
        var (typed, shown) = (new Pipe(), new Pipe());
        var serving = ConsoleStream.RunAsync(
            _session,
            typed.Reader.AsStream(),
            shown.Writer.AsStream(),
            echo: false,
            CancellationToken.None
        );
        await TypeAsync(typed, "diagnose watch\n");
        await Until.TrueAsync(() => Volatile.Read(ref _iterations) > 1, "two iterations");
        await TypeAsync(typed, "qq\n");
        var before = Volatile.Read(ref _iterations);
        await Until.TrueAsync(() => Volatile.Read(ref _iterations) > before + 1, "iterations after q");
        await typed.Writer.CompleteAsync();
        await serving;
        await shown.Writer.CompleteAsync();
        var text = await ReadAsync(shown);
        Assert.StartsWith($"{Root}iteration 1\niteration 2\n", text, StringComparison.Ordinal);
        Assert.EndsWith($"\nstopped\n\n{Root}Unknown action 0\n\n{Root}", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_is_given_whole_gets_one_iteration()
    {
        var shown = await ConsoleStream.TranscriptAsync(_session, "diagnose watch\nexit\n", TestContext.Current.CancellationToken);
        Assert.Equal($"{Root}diagnose watch\niteration 1\nstopped\n\n{Root}exit\n", shown);
    }

    [Fact]
    public async Task A_filter_applies_to_what_is_streamed_and_to_the_last_words()
    {
        var shown = await ConsoleStream.TranscriptAsync(
            _session,
            "diagnose watch | grep iter\ndiagnose watch | grep -v iter\nexit\n",
            TestContext.Current.CancellationToken
        );
        Assert.Equal(
            $"{Root}diagnose watch | grep iter\niteration 1\n\n{Root}diagnose watch | grep -v iter\nstopped\n\n{Root}exit\n",
            shown
        );
    }

    [Fact]
    public async Task A_batch_gives_a_stream_one_iteration_and_goes_on()
    {
        var shown = await ConsoleStream.TranscriptAsync(
            _session,
            "execute batch start\ndiagnose watch\nget system console\nexecute batch end\nexecute batch lastlog\n",
            TestContext.Current.CancellationToken
        );
        Assert.EndsWith(
            $"{Root}execute batch lastlog\n0: diagnose watch\n0: get system console\n\n{Root}",
            shown,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("iteration", shown, StringComparison.Ordinal);
        Assert.Equal(1, _iterations);
    }

    [Fact]
    public async Task Hanging_up_ends_a_stream()
    {
        using var hangUp = new CancellationTokenSource();
        var typed = new Pipe();
        var serving = ConsoleStream.RunTerminalAsync(_session, typed.Reader.AsStream(), Stream.Null, TerminalSize.Usual, hangUp.Token);
        await TypeAsync(typed, "diagnose watch\r");
        await Until.TrueAsync(() => Volatile.Read(ref _iterations) > 0, "an iteration");
        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        await Until.TrueAsync(() => Volatile.Read(ref _stopped), "the end of the stream");
    }

    private async Task<CliReply> WatchAsync(Action<string> show, CancellationToken stop)
    {
        while (true)
        {
            show($"iteration {Interlocked.Increment(ref _iterations)}\n");
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), LabClock.Wall, stop);
            }
            catch (OperationCanceledException)
            {
                Volatile.Write(ref _stopped, true);
                return "stopped\n";
            }
        }
    }

    private static async Task TypeAsync(Pipe typed, string text) => await typed.Writer.WriteAsync(Encoding.UTF8.GetBytes(text));

    private static async Task<string> ReadAsync(Pipe shown)
    {
        using var reader = new StreamReader(shown.Reader.AsStream(), Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }
}
