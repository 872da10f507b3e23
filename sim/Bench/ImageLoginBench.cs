using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Phones;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;

namespace Appliance.Bench;

/// <summary>The time of a real client from its start to "Authenticated.", one second of which is the phone user's.</summary>
internal sealed record ImageLoginFigures(string Bench, string Client, int Logins, IReadOnlyList<double> Seconds);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ImageLoginFigures))]
internal sealed partial class ImageLoginJson : JsonSerializerContext;

/// <summary>
/// <c>bench image-login</c>: the host's openfortivpn logs in by push at the booted image, over its cables. A login counts only if
/// openfortivpn reports it.
/// </summary>
internal static class ImageLoginBench
{
    private const string Client = "openfortivpn";
    private const string Scenario = "push-approve";
    private const int Logins = 3;
    private static readonly TimeSpan Owner = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        await using var machine = await EmulatedSite.StartAsync();
        List<double> seconds = [];
        for (var login = 0; login < Logins; login++)
        {
            await using var box = new RemoteTarget(
                machine,
                ScenarioText.Read(Scenario, Lab.Scenarios.Scenario.ShippedText(Scenario)!)
            );
            await box.StartAsync();
            await box.ChangeAsync("ann", new PhoneChange(PhoneMode.Approve, Owner));
            var to = box.Services.First(service => service.Service == "sslvpn").EndPoint;
            var began = LabClock.Wall.GetTimestamp();
            var said = await LogInAsync(to, await DigestAsync(to, cancellationToken), cancellationToken);
            seconds.Add(Math.Round(LabClock.Wall.GetElapsedTime(began).TotalSeconds, 2));
            await box.LookAgainAsync();
            if (!said.Contains("Authenticated.", StringComparison.Ordinal) || !box.Events.Any(record => record.Entry.LogId == "0101039424"))
            {
                throw new LabFailure(
                    FailureKind.AssertionFailed,
                    $"{Client} was not authenticated:\n{said}\n{string.Join('\n', box.Events.Select(record => record.Line))}"
                );
            }
        }
        var figures = new ImageLoginFigures("image-login", Client, Logins, seconds);
        return json
            ? JsonSerializer.Serialize(figures, ImageLoginJson.Default.ImageLoginFigures)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"image-login: {Client} got in by push {Logins} of {Logins} times, in {string.Join(", ", seconds.Select(time => time.ToString("0.0", CultureInfo.InvariantCulture)))} s"
            );
    }

    /// <summary>The digest for the client to pin, of the certificate that the box presents.</summary>
    private static async Task<string> DigestAsync(IPEndPoint to, CancellationToken cancellationToken)
    {
        await using var stream = new SslStream(
            new ConnectionStream(await new SocketNic("pin", ScenarioAddress.Phones).ConnectAsync(to, cancellationToken))
        );
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = to.Address.ToString(),
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
            cancellationToken
        );
        return Convert.ToHexStringLower(SHA256.HashData(stream.RemoteCertificate!.GetRawCertData()));
    }

    /// <summary>
    /// Runs the client until it reports that it is authenticated (stdbuf: line by line), or ends. A tunnel would need /dev/ppp and is not
    /// measured.
    /// </summary>
    private static async Task<string> LogInAsync(IPEndPoint to, string digest, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(Patience);
        var said = new System.Text.StringBuilder();
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("stdbuf", ["-oL", Client, to.ToString(), "-u", "ann", "-p", "ann-password", "--trusted-cert", digest])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;
            try
            {
                while (await process.StandardOutput.ReadLineAsync(late.Token) is { } line)
                {
                    said.AppendLine(line);
                    if (line.Contains("Authenticated.", StringComparison.Ordinal))
                    {
                        return said.ToString();
                    }
                }
                said.Append(await process.StandardError.ReadToEndAsync(late.Token));
            }
            catch (OperationCanceledException)
            {
                said.AppendLine("(out of time)");
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
            return said.ToString();
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LabFailure(FailureKind.Missing, $"{Client}: {missing.Message}", missing);
        }
    }
}
