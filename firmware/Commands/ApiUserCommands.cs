using System.Security.Cryptography;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute api-user generate-key NAME</c>: generates a key for a REST API user. It is displayed once and stored as a secret of the
/// configuration.
/// </summary>
internal sealed class ApiUserCommands : ICommandSource
{
    private const string Table = "system api-user";
    private const string Attribute = "api-key";

    /// <summary>The device's key length: 30 letters and digits, 178 bits.</summary>
    private const int KeyLength = 30;
    private const string KeyLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public IReadOnlyList<CliCommand> Commands =>
        [
            // Minutes until expiry are refused, because no attribute stores them.
            new(
                "execute api-user generate-key",
                "Generate a new API key for an API user: NAME.",
                Permissions.Administration.Write,
                CliArguments.One,
                Generate
            ),
        ];

    private static CliReply Generate(CliCall call)
    {
        var name = call.Arguments[0];
        var key = RandomNumberGenerator.GetString(KeyLetters, KeyLength);
        var isKnown = false;
        var error = call.Session.Workspace.Commit(tree =>
        {
            var users = tree.List(Table);
            isKnown = users.Find(name) is not null;
            return isKnown ? tree.With(Table, users.With(name, users.Find(name)!.With(Attribute, [key]))) : tree;
        });
        return error is not null ? error
            : !isKnown ? new ConfigError(-3, "entry not found in datasource")
            : $"\nNew API key: {key}\n\nNOTE: The bearer of this API key will be granted all access privileges assigned to the api-user {name}.\n";
    }
}
