using System.Globalization;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Commands;

/// <summary>
/// The console commands for tokens. Their words are the device's. Their replies are *assumed* wherever the reference has no transcript
/// (docs/reference/tokens.md).
/// </summary>
/// <param name="enrolment">Supplies the tokens.</param>
/// <param name="usb">The USB disk with the seed files.</param>
internal sealed class TokenCommands(EnrolmentService enrolment, UsbStick usb) : ICommandSource
{
    private const int ActivatedAtOnce = 20;
    private static readonly string[] CloudWords = ["migrate-ftm", "new", "show", "sync", "trial", "update"];

    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "diagnose fortitoken info",
                "Show the tokens, their drift and status.",
                Permissions.Users.Read,
                CliArguments.None,
                _ => Info()
            ),
            new(
                "execute fortitoken activate",
                "Activate hardware tokens.",
                Permissions.Users.Write,
                new CliArguments(1, ActivatedAtOnce),
                Activate
            ),
            new(
                "execute fortitoken import usb",
                "Import seeds from a file on the USB disk: FILE [KEY].",
                Permissions.Users.Write,
                new CliArguments(1, 2),
                Import
            ),
            new(
                "execute fortitoken import ftp",
                "Import seeds from an FTP server.",
                Permissions.Users.Write,
                CliArguments.Rest,
                _ => NotSupported("ftp")
            ),
            new(
                "execute fortitoken import tftp",
                "Import seeds from a TFTP server.",
                Permissions.Users.Write,
                CliArguments.Rest,
                _ => NotSupported("tftp")
            ),
            new(
                "execute fortitoken import-sn-file",
                "Import seeds from the token server by a serial number.",
                Permissions.Users.Write,
                CliArguments.One,
                ImportSerialNumber
            ),
            new(
                "execute fortitoken sync",
                "Synchronize a token: SERIAL CODE NEXTCODE.",
                Permissions.Users.Write,
                CliArguments.Exactly(3),
                Synchronize
            ),
            new(
                "execute fortitoken-mobile import",
                "Import mobile tokens by their redemption code.",
                Permissions.Users.Write,
                CliArguments.One,
                ImportMobile
            ),
            new(
                "execute fortitoken-mobile poll",
                "Query the token server for the status of mobile tokens.",
                Permissions.Users.Write,
                CliArguments.None,
                _ => ""
            ),
            new(
                "execute fortitoken-mobile provision",
                "Provision a mobile token (again): SERIAL.",
                Permissions.Users.Write,
                CliArguments.One,
                call => Provision(call, enrolment.ProvisionAsync)
            ),
            new(
                "execute fortitoken-mobile renew",
                "Renew a mobile token: SERIAL.",
                Permissions.Users.Write,
                CliArguments.One,
                call => Provision(call, enrolment.RenewAsync)
            ),
            .. CloudWords.Select(word => new CliCommand(
                $"execute fortitoken-cloud {word}",
                "FortiToken Cloud.",
                Permissions.Users.Write,
                CliArguments.Rest,
                _ => NoCloud()
            )),
        ];

    /// <summary>Lists the tokens in the reference's layout. A token without drift has 0.</summary>
    private string Info()
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

    private CliReply Activate(CliCall call) => new("") { Later = _ => ActivateAsync(call.Arguments) };

    private async Task<CliReply> ActivateAsync(IReadOnlyList<string> serials)
    {
        var results = await enrolment.ActivateHardwareAsync(serials).ConfigureAwait(false);
        var done = string.Concat(results.Where(result => result.Error is null).Select(result => $"{result.Serial} is activated.\n"));
        var errors = results.Where(result => result.Error is not null).Select(result => result.Error!).ToArray();
        return errors.Length == 0
            ? done
            : new CliReply(done, new ConfigError(errors[0].Code, [.. errors.SelectMany(error => error.Lines)]));
    }

    private CliReply Import(CliCall call)
    {
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
            return new CliReply("") { Later = _ => ImportAsync(seeds) };
        }
        catch (SeedFileException mistake)
        {
            return Failed(mistake.Message);
        }
    }

    private async Task<CliReply> ImportAsync(IReadOnlyList<SeedRecord> seeds) =>
        await enrolment.ImportSeedsAsync(seeds).ConfigureAwait(false) is { } error ? error : $"{seeds.Count} FortiTokens imported.\n";

    private CliReply ImportSerialNumber(CliCall call)
    {
        enrolment.SeedsNotFound(call.Arguments[0]);
        return Failed($"the token server has no seeds for {SeedFile.Shown(call.Arguments[0])}");
    }

    private CliReply Synchronize(CliCall call) =>
        new("") { Later = _ => SynchronizeAsync(call.Arguments[0], call.Arguments[1], call.Arguments[2]) };

    private async Task<CliReply> SynchronizeAsync(string serial, string code, string next) =>
        await enrolment.SynchronizeAsync(serial, code, next).ConfigureAwait(false) is { } error ? error : $"{serial} is synchronized.\n";

    private CliReply ImportMobile(CliCall call)
    {
        if (call.Arguments[0] != EnrolmentService.TrialCode)
        {
            return Failed("the redemption code is not valid");
        }
        var (serials, error) = enrolment.ImportTrial();
        return error is not null ? error : string.Concat(serials.Select(serial => $"{serial} is imported.\n"));
    }

    /// <summary>Provisions a token and displays its code once, as text and as a QR code.</summary>
    private static CliReply Provision(CliCall call, Func<string, Task<(ActivationOrder? Order, ConfigError? Error)>> provision) =>
        new("") { Later = async _ => Shown(await provision(call.Arguments[0]).ConfigureAwait(false)) };

    private static CliReply Shown((ActivationOrder? Order, ConfigError? Error) provisioned) =>
        provisioned.Error is { } error ? error
        : provisioned.Order is not { } order ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $"Activation code: {order.Code}\nValid until: {order.Expires.UtcDateTime:yyyy-MM-dd HH:mm:ss}\n{ActivationQr.Text(order.Code)}"
        );

    private static ConfigError NoCloud() => new(-1, "FortiToken Cloud is not licensed on this unit.");

    private static CliReply NotSupported(string way) => Failed($"import by {way} is not supported; put the file on the USB disk");

    private static ConfigError Failed(string why) => new(-1, why);
}
