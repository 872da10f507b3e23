using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Appliance.Lab.Targets;

namespace Appliance.Bench;

/// <summary>The figures of one benchmark, with the description of the measurement.</summary>
internal sealed record ImageBootFigures(
    string Bench,
    string Measured,
    int Runs,
    double ReadySecondsMedian,
    IReadOnlyList<double> ReadySeconds,
    [property: JsonPropertyName("residentMiB")] IReadOnlyList<double> Resident,
    [property: JsonPropertyName("emulatorMiBMedian")] double EmulatorMedian
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ImageBootFigures))]
internal sealed partial class ImageBootJson : JsonSerializerContext;

/// <summary>
/// <c>bench image-boot</c>: the emulated board from power on, with an empty disk, to the first answer over HTTPS on port1, and the memory
/// that the
/// program then uses, as the console reports it. More than 60 MiB fails.
/// </summary>
internal static partial class ImageBootBench
{
    private const int Runs = 3;
    private const double ResidentMax = 60;
    private static readonly TimeSpan CommandMax = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(2);

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var image = QemuImage.UsualFolder("initrd.img");
        await TargetNetwork.MakeAsync();
        var box = Board.Load(LabBoard.File("qemu-arm64")).Nics[0];
        // A neighbour of the factory address.
        var here = IPAddress.Parse(string.Join('.', box.Address.ToString().Split('.')[..3]) + ".1");
        await TargetNetwork.IpAsync($"route replace {box.Address}/32 dev {TargetNetwork.Tap(1)}");
        var nic = await TargetNetwork.HereAsync("neighbour", here);
        List<double> seconds = [];
        List<double> resident = [];
        List<double> memory = [];
        for (var run = 0; run < Runs; run++)
        {
            var folder = Directory.CreateTempSubdirectory("appliance-bench-");
            try
            {
                await using var machine = await QemuMachine.StartAsync(
                    new QemuImage(image, "initrd.img", Path.Combine(folder.FullName, "state.qcow2"))
                );
                await AnswerAsync(nic, new IPEndPoint(box.Address, 443), cancellationToken);
                seconds.Add(Math.Round(LabClock.Wall.GetElapsedTime(machine.PoweredOn).TotalSeconds, 2));
                resident.Add(await ResidentAsync());
                memory.Add(Math.Round(machine.ResidentMiB, 0));
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        var figures = new ImageBootFigures(
            "image-boot",
            "qemu-arm64 without an accelerator, power on to HTTP 200 over TLS on port1, empty disk",
            Runs,
            Median(seconds),
            seconds,
            resident,
            Median(memory)
        );
        var text = json
            ? JsonSerializer.Serialize(figures, ImageBootJson.Default.ImageBootFigures)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"image-boot: ready {figures.ReadySecondsMedian:0.0} s after power on (median of {Runs}; {figures.Measured}), {resident.Max():0.0} MiB resident at most"
            );
        return resident.Max() <= ResidentMax
            ? text
            : throw new LabFailure(
                FailureKind.AssertionFailed,
                string.Create(CultureInfo.InvariantCulture, $"{text}\nmore than {ResidentMax} MiB resident at ready")
            );
    }

    private static async Task<double> ResidentAsync()
    {
        await using var console = new SerialConsole(await QemuMachine.ConsoleAsync());
        // It serves already, and its first prompt may have been shown before the console was connected.
        await console.SendAsync("");
        await console.ReadyAsync(QemuMachine.BootPatience);
        var shown = await console.TypeAsync("get system performance status", CommandMax);
        return UsedMemory().Match(shown) is { Success: true } used
            ? Math.Round(double.Parse(used.Groups[1].Value, CultureInfo.InvariantCulture) / 1024, 1)
            : throw new LabFailure(FailureKind.AssertionFailed, $"the box does not say what memory it uses:\n{shown}");
    }

    private static async Task AnswerAsync(INic nic, IPEndPoint to, CancellationToken cancellationToken)
    {
        var began = LabClock.Wall.GetTimestamp();
        while (LabClock.Wall.GetElapsedTime(began) < QemuMachine.BootPatience)
        {
            using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            late.CancelAfter(ConnectMax);
            using var handler = new SocketsHttpHandler
            {
                UseProxy = false,
                ConnectCallback = async (_, stop) => new ConnectionStream(await nic.ConnectAsync(to, stop)),
            };
            // The CA of a new box is in no trust store.
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            };
            using var http = new HttpClient(handler);
            try
            {
                using var answer = await http.GetAsync(new UriBuilder(Uri.UriSchemeHttps, to.Address.ToString(), to.Port).Uri, late.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (Exception early)
                when (early is HttpRequestException or IOException or OperationCanceledException
                    && !cancellationToken.IsCancellationRequested
                )
            {
                await Task.Delay(Between, LabClock.Wall, cancellationToken);
            }
        }
        throw new LabFailure(FailureKind.TimedOut, $"no answer from {to} within {QemuMachine.BootPatience.TotalSeconds} s");
    }

    [GeneratedRegex("Memory: [0-9]+k total, ([0-9]+)k used")]
    private static partial Regex UsedMemory();

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
