using Appliance.Doubles.Failures;
using Appliance.Doubles.FortiAuthenticator;

namespace Appliance.Lab.Composition;

/// <summary>The settings of the FortiAuthenticator emulator that belongs to a board.</summary>
internal static class AuthenticatorFile
{
    /// <summary>
    /// Reads fac.json beside a board's description. A board of the tool without one uses the desktop's. Null if there is none.
    /// </summary>
    /// <param name="boardFile">The board's board.json.</param>
    /// <param name="network">The first three octets of the emulator's address; null for the file's own.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="LabFailure">The file is invalid.</exception>
    internal static async Task<FacSettings?> OfAsync(string boardFile, string? network, CancellationToken cancellationToken)
    {
        var file = Path.Combine(Path.GetDirectoryName(boardFile)!, "fac.json");
        if (!File.Exists(file))
        {
            if (!LabBoard.ComesWithTheTool(boardFile))
            {
                return null;
            }
            file = Path.Combine(Path.GetDirectoryName(LabBoard.File("desktop"))!, "fac.json");
        }
        try
        {
            var settings = FacSettings.Parse(await File.ReadAllBytesAsync(file, cancellationToken));
            return network is null ? settings : settings with { Address = LabBoard.Moved(settings.Address, network) };
        }
        catch (FormatException error)
        {
            throw new LabFailure(FailureKind.ConfigurationInvalid, $"{file}: {error.Message}", error);
        }
    }
}
