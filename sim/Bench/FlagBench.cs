using System.Net.Sockets;
using Appliance.Hal;
using Appliance.Lab;
using Appliance.Lab.Units;

namespace Appliance.Bench;

/// <summary>
/// <c>bench flag</c>: the time until a live callback connection closes after its interface lost <c>ftm</c>, with the durable save of the
/// configuration.
/// </summary>
internal sealed class FlagBench(Laboratory lab) : IEndedRun
{
    private readonly BoundService _callback = lab.Unit.Services.First(service => service.Service == "ftm");
    private TcpClient? _phone;

    public string EndCommand => $"config system interface\nedit {_callback.Nic}\nset allowaccess ping https\nnext\nend\n";

    public string RestoreCommand => $"config system interface\nedit {_callback.Nic}\nset allowaccess ping https ftm\nnext\nend\n";

    public static Task<string> RunAsync(bool json, CancellationToken cancellationToken) =>
        EndedBench.RunAsync(
            "flag",
            "a live callback ended after its flag was withdrawn by",
            json,
            lab => new FlagBench(lab),
            cancellationToken
        );

    public async Task<Func<Task>> BeginAsync(CancellationToken cancellationToken)
    {
        _phone?.Dispose();
        _phone = new TcpClient();
        await _phone.ConnectAsync(_callback.EndPoint, cancellationToken);
        var stream = _phone.GetStream();
        // Sent and answered, so that the connection is surely served: what is no TLS gets nothing, but a half hello waits.
        await stream.WriteAsync(new byte[] { 0x16, 3, 1 }, cancellationToken);
        var ended = EndAsync(stream, cancellationToken);
        return () => ended;
    }

    public void Dispose() => _phone?.Dispose();

    private static async Task EndAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        try
        {
            await stream.ReadExactlyAsync(new byte[1], cancellationToken);
        }
        catch (IOException)
        {
            // The end, or a reset: what is waited for.
        }
    }
}
