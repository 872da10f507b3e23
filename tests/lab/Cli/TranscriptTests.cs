using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Appliance.Lab.Console;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>
/// Every file of Transcripts/ twice, each time on a unit fresh from the ready-made lab: through the console's stream, and through the
/// lab's Unix socket. Both must show the same. UPDATE_GOLDEN=1 writes what they show.
/// </summary>
public sealed class TranscriptTests
{
    public static TheoryData<string> Names =>
        [
            .. Directory
                .EnumerateFiles(Folder(), "*.txt", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Folder(), file))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task AConsoleShows(string name)
    {
        var transcript = Transcript.Read(Path.Combine(Folder(), name));
        var shown = await Task.WhenAll(InMemoryAsync(transcript), OverTheSocketAsync(transcript));
        if (Golden.Updates)
        {
            transcript.Rewrite(shown[0]);
            transcript = Transcript.Read(transcript.File);
        }
        Assert.Equal(transcript.Expected, shown[0]);
        Assert.Equal(transcript.Expected, shown[1]);
    }

    private static async Task<string> InMemoryAsync(Transcript transcript)
    {
        await using var unit = await TranscriptUnit.StartAsync(transcript.Personality);
        using var input = new MemoryStream(transcript.Bytes);
        using var output = new MemoryStream();
        await (
            transcript.Terminal is { } size
                ? unit.Lab.RunTerminalAsync(input, output, () => size, transcript.Login, CancellationToken.None)
                : unit.Lab.RunConsoleAsync(input, output, echo: true, transcript.Login, CancellationToken.None)
        );
        return transcript.Seen(Encoding.UTF8.GetString(output.ToArray()));
    }

    private static async Task<string> OverTheSocketAsync(Transcript transcript)
    {
        await using var unit = await TranscriptUnit.StartAsync(transcript.Personality);
        await using var listening = ConsoleSocket.Listen(unit.State, unit.Lab, NullLogger.Instance);
        await using var console = (
            await (
                transcript.Terminal is { } size
                    ? ConsoleSocket.ConnectAsync(unit.State, size, CancellationToken.None, transcript.Login)
                    : ConsoleSocket.ConnectAsync(unit.State, echo: true, CancellationToken.None, transcript.Login)
            )
        )!;
        var typing = TypeAsync(console, transcript.Bytes);
        using var reader = new StreamReader(console, Encoding.UTF8);
        var shown = await reader.ReadToEndAsync();
        await typing;
        return transcript.Seen(shown);
    }

    private static async Task TypeAsync(NetworkStream console, byte[] typed)
    {
        await console.WriteAsync(typed);
        console.Socket.Shutdown(SocketShutdown.Send);
    }

    private static string Folder([CallerFilePath] string test = "") => Path.Combine(Path.GetDirectoryName(test)!, "Transcripts");
}
