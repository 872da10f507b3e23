using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Sim.Lab;
using Appliance.Sim.Page;
using Spectre.Console;

namespace Appliance.Sim.Verbs;

/// <summary>What a person sees first: the addresses, the users, and a line to copy for logging in.</summary>
internal static class Welcome
{
    public static void Show(Laboratory lab)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("service", "address", "interface", "access");
        foreach (var service in lab.Unit.Services)
        {
            var nic = lab.Unit.Nics.FirstOrDefault(nic => nic.Name == service.Nic);
            table.AddRow(new Text(service.Service), new Text(service.EndPoint.ToString()), new Text(service.Nic), new Text(string.Join(' ', nic?.AllowAccess ?? [])));
        }
        if (PageFiles.Embedded.IsBuilt)
        {
            table.AddRow(new Text("page"), new Text(lab.Api.Address.ToString()), new Text("-"), new Text("this machine only"));
        }
        if (lab.Api.Page.Lan is { } lan)
        {
            table.AddRow(new Text("phones"), new Text(new Uri(lan, "/phone/new").ToString()), new Text("-"), new Text($"the network, with pairing code {lab.Api.Page.PairingCode}"));
        }
        if (lab.Broker is { } broker)
        {
            table.AddRow(new Text("mqtt"), new Text(broker.ToString()), new Text("-"), new Text("pushes to phones: mosquitto_sub -t '#'"));
        }
        table.AddRow(new Text("lab API"), new Text(lab.Api.Address.GetLeftPart(UriPartial.Authority)), new Text("-"), new Text("this machine only"));
        AnsiConsole.Write(table);
        // Passwords are the lab's own and public (Lab/default.conf); a unit with another configuration has other users.
        AnsiConsole.WriteLine($"users: {string.Join(", ", lab.Unit.Users)} (password of each in the ready-made lab: NAME-password) · clock: {lab.Clock.Rate}");
        if (lab.Authenticator is { } authenticator)
        {
            AnsiConsole.WriteLine($"FortiAuthenticator stand-in: RADIUS at {authenticator.Server.Authentication}; of its users, dan is known to it alone");
        }
        if (!PageFiles.Embedded.IsBuilt)
        {
            AnsiConsole.WriteLine("no page: this lab was built without Node.js 20.19 or newer; all else is there");
        }
        if (lab.Api.LanFingerprint is { } fingerprint)
        {
            AnsiConsole.WriteLine($"phones of the network see a certificate with SHA-256 {fingerprint}");
        }
        ShowLogin(lab.Unit);
        AnsiConsole.WriteLine("Not affiliated with Fortinet. Ctrl-C at the root of the console stops.");
        AnsiConsole.WriteLine();
    }

    private static void ShowLogin(ILabUnit unit)
    {
        if (unit.Services.FirstOrDefault(service => service.Service == "sslvpn") is not { } vpn || unit.ServiceCertificate("sslvpn") is not { } certificate)
        {
            return;
        }
        // Written plainly and unwrapped: these lines are there to be copied.
        Console.WriteLine("log in (then approve with: run phone approve ann):");
        foreach (var line in LoginLines(vpn.EndPoint.ToString(), certificate))
        {
            Console.WriteLine("  " + line);
        }
    }

    internal static IEnumerable<string> LoginLines(string address, X509Certificate2 certificate)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
        var pin = Convert.ToBase64String(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
        yield return $"openfortivpn {address} -u ann -p ann-password --trusted-cert {digest}";
        yield return $"echo ann-password | openconnect --protocol=fortinet --authenticate --user ann --passwd-on-stdin --servercert pin-sha256:{pin} https://{address}";
    }
}
