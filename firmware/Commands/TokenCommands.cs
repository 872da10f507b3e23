using System.Globalization;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Commands;

/// <summary>
/// The console commands for tokens. Their words are the device's. Their replies are *assumed* wherever the reference has no transcript
/// (docs/reference/tokens.md).
/// </summary>
internal static class TokenCommands
{
    private const int ActivatedAtOnce = 20;
    private static readonly string[] CloudWords = ["migrate-ftm", "new", "show", "sync", "trial", "update"];

    /// <summary>Creates the commands of a unit.</summary>
    /// <param name="enrolment">Supplies the tokens.</param>
    /// <param name="usb">The USB disk with the seed files.</param>
    internal static IReadOnlyList<CliCommand> For(EnrolmentService enrolment, UsbStick usb) =>
        [
            new("diagnose fortitoken info", "Show the tokens, their drift and status.", call => None(call) ?? Info(enrolment)),
            new("execute fortitoken activate", "Activate hardware tokens.", call => Activate(enrolment, call)),
            new(
                "execute fortitoken import usb",
                "Import seeds from a file on the USB disk: FILE [KEY].",
                call => Import(enrolment, usb, call)
            ),
            new("execute fortitoken import ftp", "Import seeds from an FTP server.", _ => NotSupported("ftp")),
            new("execute fortitoken import tftp", "Import seeds from a TFTP server.", _ => NotSupported("tftp")),
            new(
                "execute fortitoken import-sn-file",
                "Import seeds from the token server by a serial number.",
                call => ImportSerialNumber(enrolment, call)
            ),
            new("execute fortitoken sync", "Synchronize a token: SERIAL CODE NEXTCODE.", call => Synchronize(enrolment, call)),
            new(
                "execute fortitoken-mobile import",
                "Import mobile tokens by their redemption code.",
                call => ImportMobile(enrolment, call)
            ),
            new("execute fortitoken-mobile poll", "Ask the token server for the status of mobile tokens.", call => None(call) ?? ""),
            new(
                "execute fortitoken-mobile provision",
                "Provision a mobile token (again): SERIAL.",
                call => Provision(call, enrolment.Provision)
            ),
            new("execute fortitoken-mobile renew", "Renew a mobile token: SERIAL.", call => Provision(call, enrolment.Renew)),
            .. CloudWords.Select(word => new CliCommand($"execute fortitoken-cloud {word}", "FortiToken Cloud.", _ => NoCloud())),
        ];

    /// <summary>Lists the tokens in the reference's layout. A token without drift has 0.</summary>
    private static string Info(EnrolmentService enrolment)
    {
        var text = new StringBuilder("FORTITOKEN      DRIFT      STATUS\n");
        var tokens = enrolment.Tokens();
        foreach (var (token, drift, status) in tokens)
        {
            text.Append(CultureInfo.InvariantCulture, $"{token.Serial.PadRight(16)}      {drift}      {TokenStatusText.Of(status)}\n");
        }
        var activated = tokens.Count(row => row.Status is TokenStatus.Active or TokenStatus.Provisioned);
        return text.Append(
                CultureInfo.InvariantCulture,
                $"Total activated token: {activated}\nTotal global activated token: {activated}\nToken server status: reachable\n"
            )
            .ToString();
    }

    private static CliReply Activate(EnrolmentService enrolment, CliCall call)
    {
        if (call.Arguments.Count is 0 or > ActivatedAtOnce)
        {
            return call.Arguments.Count == 0 ? Incomplete() : CliPaths.ParseError(call.Arguments[ActivatedAtOnce]);
        }
        var results = enrolment.ActivateHardware(call.Arguments);
        var done = string.Concat(results.Where(result => result.Error is null).Select(result => $"{result.Serial} is activated.\n"));
        var errors = results.Where(result => result.Error is not null).Select(result => result.Error!).ToArray();
        return errors.Length == 0
            ? done
            : new CliReply(done, new ConfigError(errors[0].Code, [.. errors.SelectMany(error => error.Lines)]));
    }

    private static CliReply Import(EnrolmentService enrolment, UsbStick usb, CliCall call)
    {
        if (call.Arguments is not ([_] or [_, _]))
        {
            return call.Arguments.Count == 0 ? Incomplete() : CliPaths.ParseError(call.Arguments[2]);
        }
        var key = Array.Empty<byte>();
        if (call.Arguments is [_, var text])
        {
            if (text.Length is not (32 or 48 or 64) || !text.All(char.IsAsciiHexDigit))
            {
                return Failed("the key must have 32, 48 or 64 hex digits");
            }
            key = Convert.FromHexString(text);
        }
        try
        {
            var (content, unread) = usb.Read(call.Arguments[0], SeedFile.LengthMax);
            if (unread is not null)
            {
                return unread;
            }
            var seeds = SeedFile.Read(content!, key);
            return enrolment.ImportSeeds(seeds) is { } error ? error : $"{seeds.Count} FortiTokens imported.\n";
        }
        catch (SeedFileException mistake)
        {
            return Failed(mistake.Message);
        }
    }

    private static CliReply ImportSerialNumber(EnrolmentService enrolment, CliCall call)
    {
        if (call.Arguments is not [var serial])
        {
            return call.Arguments.Count == 0 ? Incomplete() : CliPaths.ParseError(call.Arguments[1]);
        }
        enrolment.SeedsNotFound(serial);
        return Failed($"the token server knows no seeds for {SeedFile.Shown(serial)}");
    }

    private static CliReply Synchronize(EnrolmentService enrolment, CliCall call) =>
        call.Arguments switch
        {
            [var serial, var code, var next] => enrolment.Synchronize(serial, code, next) is { } error
                ? error
                : $"{serial} is synchronized.\n",
            [_, _, _, var more, ..] => CliPaths.ParseError(more),
            _ => Incomplete(),
        };

    private static CliReply ImportMobile(EnrolmentService enrolment, CliCall call)
    {
        if (call.Arguments is not [var code])
        {
            return call.Arguments.Count == 0 ? Incomplete() : CliPaths.ParseError(call.Arguments[1]);
        }
        if (code != EnrolmentService.TrialCode)
        {
            return Failed("the redemption code is not valid");
        }
        var (serials, error) = enrolment.ImportTrial();
        return error is not null ? error : string.Concat(serials.Select(serial => $"{serial} is imported.\n"));
    }

    /// <summary>Provisions a token and displays its code once, as text and as a QR code.</summary>
    private static CliReply Provision(CliCall call, Func<string, (ActivationOrder? Order, ConfigError? Error)> provision)
    {
        if (call.Arguments is not [var serial])
        {
            return call.Arguments.Count == 0 ? Incomplete() : CliPaths.ParseError(call.Arguments[1]);
        }
        var (order, error) = provision(serial);
        return error is not null ? error
            : order is null ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $"Activation code: {order.Code}\nValid until: {order.Expires.UtcDateTime:yyyy-MM-dd HH:mm:ss}\n{ActivationQr.Text(order.Code)}"
            );
    }

    private static ConfigError NoCloud() => new(-1, "FortiToken Cloud is not licensed on this unit.");

    private static CliReply NotSupported(string way) => Failed($"import by {way} is not supported; put the file on the USB disk");

    private static ConfigError Failed(string why) => new(-1, why);

    private static ConfigError Incomplete() => new(-160, "incomplete command in the end");

    private static CliReply? None(CliCall call) => call.Arguments.Count == 0 ? null : (CliReply)CliPaths.ParseError(call.Arguments[0]);
}
