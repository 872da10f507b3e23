using System.Text;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Cli;
using Appliance.Lab.Composition;
using Appliance.Lab.Console;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Appliance.Tests.Sim;

public sealed class ConsoleSocketTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lab-console-");
    private readonly FakeUnit _unit = new(CallbackServer.MakeCa(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero)));

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("state")]
    [InlineData("a-state-folder-whose-name-is-so-long-that-the-path-of-a-socket-in-it-does-not-fit-into-a-socket-address-of-108-bytes")]
    public async Task A_script_is_answered_over_a_socket_of_the_owner(string name)
    {
        var state = _folder.CreateSubdirectory(name).FullName;
        Assert.Null(await ConsoleSocket.ConnectAsync(state, echo: true, default));
        await using (ConsoleSocket.Listen(state, _unit, NullLogger.Instance))
        {
            await using var console = (await ConsoleSocket.ConnectAsync(state, echo: true, default))!;
            await console.WriteAsync("one\ntwo\n"u8.ToArray());
            console.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            using var reader = new StreamReader(console, Encoding.UTF8);
            Assert.Equal("echo one\necho two\n", await reader.ReadToEndAsync());
            var socket = Path.Combine(state, "console.sock");
            if (File.Exists(socket) && !OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
            }
        }
        Assert.Null(await ConsoleSocket.ConnectAsync(state, echo: true, default));
    }

    [Fact]
    public async Task A_terminal_tells_its_size()
    {
        await using var listening = ConsoleSocket.Listen(_folder.FullName, _unit, NullLogger.Instance);
        await using var console = (await ConsoleSocket.ConnectAsync(_folder.FullName, new TerminalSize(30, 100), default))!;
        using var reader = new StreamReader(console, Encoding.UTF8);
        Assert.Equal("terminal 30 100\r\n", await reader.ReadToEndAsync());
    }

    [Fact]
    public void A_state_folder_is_used_by_one_appliance_at_a_time()
    {
        var state = Path.Combine(_folder.FullName, "state");
        using (StateFolder.Open(state))
        {
            var failure = Assert.Throws<LabFailure>(() => StateFolder.Open(state));
            Assert.Equal(FailureKind.Busy, failure.Kind);
            Assert.Contains("in use", failure.Message, StringComparison.Ordinal);
        }
        StateFolder.Open(state).Dispose();
    }
}
