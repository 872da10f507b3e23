using Appliance.Lab;
using Appliance.Lab.Page;
using Appliance.Lab.Units;
using Spectre.Console;

namespace Appliance.Tool;

/// <summary>The first screen for a user: the addresses, the users, and a login command to copy.</summary>
internal static class Welcome
{
    public static void Show(Laboratory lab)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("service", "address", "interface", "access");
        foreach (var service in lab.Unit.Services)
        {
            var nic = lab.Unit.Nics.FirstOrDefault(nic => nic.Name == service.Nic);
            table.AddRow(
                new Text(service.Service),
                new Text(service.EndPoint.ToString()),
                new Text(service.Nic),
                new Text(string.Join(' ', nic?.AllowAccess ?? []))
            );
        }
        if (PageFiles.Embedded.IsBuilt)
        {
            table.AddRow(new Text("page"), new Text(lab.Api.Address.ToString()), new Text("-"), new Text("this machine only"));
        }
        if (lab.Api.Page.Lan is { } lan)
        {
            table.AddRow(
                new Text("phones"),
                new Text(new Uri(lan, "/phone/new").ToString()),
                new Text("-"),
                new Text($"the network, with pairing code {lab.Api.Page.PairingCode}")
            );
        }
        if (lab.Broker is { } broker)
        {
            table.AddRow(new Text("mqtt"), new Text(broker.ToString()), new Text("-"), new Text("pushes to phones: mosquitto_sub -t '#'"));
        }
        table.AddRow(
            new Text("lab API"),
            new Text(lab.Api.Address.GetLeftPart(UriPartial.Authority)),
            new Text("-"),
            new Text("this machine only")
        );
        AnsiConsole.Write(table);
        // The passwords belong to the lab and are public (Lab/default.conf). A unit with another configuration has other users.
        AnsiConsole.WriteLine(
            $"users: {string.Join(", ", lab.Unit.Users)} (password of each in the ready-made lab: NAME-password) · clock: {lab.Clock.Rate}"
        );
        if (lab.Authenticator is { } authenticator)
        {
            AnsiConsole.WriteLine(
                $"FortiAuthenticator emulator: RADIUS at {authenticator.Server.Authentication}; only the emulator has user dan"
            );
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
        if (LoginLines.Of(unit) is not [_, ..] lines)
        {
            return;
        }
        // Written plainly and unwrapped, so that the lines can be copied.
        Console.WriteLine("log in (then approve with: run phone approve ann):");
        foreach (var line in lines)
        {
            Console.WriteLine("  " + line);
        }
    }
}
