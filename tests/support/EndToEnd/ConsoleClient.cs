using System.Net.Sockets;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Lab.Console;

namespace Appliance.Tests.EndToEnd;

/// <summary>A client of a lab's console socket: types lines and waits for output.</summary>
internal sealed class ConsoleClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly NetworkStream _stream;
    private readonly StringBuilder _shown = new();

    private ConsoleClient(NetworkStream stream) => _stream = stream;

    /// <summary>The output so far.</summary>
    public string Shown => _shown.ToString();

    public static async Task<ConsoleClient> ConnectAsync(TestLab lab, bool login = false) =>
        new((await ConsoleSocket.ConnectAsync(lab.State, echo: true, CancellationToken.None, login))!);

    public async Task TypeAsync(params string[] lines) =>
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));

    /// <summary>Reads until a text was shown; null: until the console hangs up.</summary>
    public async Task ReadToAsync(string? text)
    {
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        while (text is null || !Shown.Contains(text, StringComparison.Ordinal))
        {
            int length;
            try
            {
                length = await _stream.ReadAsync(buffer, patience.Token);
            }
            catch (OperationCanceledException late)
            {
                throw new TimeoutException($"'{text}' was not shown; shown was: {Shown}", late);
            }
            if (length == 0)
            {
                if (text is not null)
                {
                    throw new InvalidOperationException($"hung up before '{text}'; shown was: {Shown}");
                }
                return;
            }
            _shown.Append(Encoding.UTF8.GetString(buffer, 0, length));
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
