using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Firmware.Config;

namespace Appliance.Lab.Composition;

/// <summary>The files that the operator gives to <c>up</c>.</summary>
internal static class OperatorFile
{
    /// <summary>Reads the file of <c>--config</c>.</summary>
    /// <exception cref="LabFailure">The file cannot be read.</exception>
    internal static async Task<string> ConfigurationAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return ConfigStore.TextOf(await File.ReadAllBytesAsync(file, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"--config: {e.Message}", e);
        }
    }

    /// <summary>Reads the file of <c>--faults</c>.</summary>
    /// <exception cref="FormatException">The file is invalid.</exception>
    /// <exception cref="LabFailure">The file cannot be read.</exception>
    internal static async Task<IReadOnlyList<Fault>> FaultsAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return FaultText.Read(await File.ReadAllBytesAsync(file, cancellationToken));
        }
        catch (FormatException wrong)
        {
            throw new FormatException($"--faults {Path.GetFileName(file)}: {wrong.Message}", wrong);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"--faults: {e.Message}", e);
        }
    }
}
