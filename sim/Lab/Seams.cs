using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Hal;

namespace Appliance.Sim.Lab;

/// <summary>Joined by: <c>unit.ServiceCertificate(service)</c>.</summary>
internal static class UnitSeam
{
    public static X509Certificate2? ServiceCertificate(Unit unit, string service) => null;
}

/// <summary>Joined by: <c>Board.Load(path)</c> and one <c>SocketNic(name, address)</c> for each of its Nics.</summary>
internal static class BoardSeam
{
    public static IReadOnlyList<INic> Load(string path) =>
        throw new LabFailure(ExitCode.Missing, $"board {Path.GetFileName(Path.GetDirectoryName(path))}: no network interface of this build fits it");
}

/// <summary>Joined by: <c>ConsoleStream.Transcript</c> and <c>ConsoleStream.RunAsync</c> of the firmware.</summary>
internal static class ConsoleSeam
{
    public static string Transcript(CliSession session, string script)
    {
        var shown = new StringBuilder(session.Prompt);
        foreach (var line in script.AsSpan().TrimEnd('\n').ToString().Split('\n'))
        {
            if (session.Closed)
            {
                break;
            }
            shown.Append(line).Append('\n').Append(session.Execute(line)).Append(session.Closed ? "" : session.Prompt);
        }
        return shown.ToString();
    }

    public static async Task RunAsync(CliSession session, Stream input, Stream output, bool echo, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, Encoding.UTF8, leaveOpen: true);
        await WriteAsync(session.Prompt);
        while (!session.Closed && await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            await WriteAsync((echo ? line + "\n" : "") + session.Execute(line) + (session.Closed ? "" : session.Prompt));
        }
        async Task WriteAsync(string text)
        {
            await output.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
    }
}
