using Appliance.Firmware.Tokens;

namespace Appliance.Firmware;

/// <summary>What stands for a USB disk: the folder <c>usb</c> of the state folder. Files are asked for by a plain name, never by a path.</summary>
internal sealed class UsbFolder(string state)
{
    private const int NameMax = 64;

    /// <summary>The content of a file.</summary>
    /// <exception cref="SeedFileException">The name is none, there is no such file, or it is too large.</exception>
    internal byte[] Read(string name)
    {
        if (name.Length is 0 or > NameMax || name[0] == '.' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            throw new SeedFileException($"a file name has 1 to {NameMax} letters, digits, dots, hyphens and underscores, and no dot in front");
        }
        var file = new FileInfo(Path.Combine(state, "usb", name));
        // A link may lead anywhere.
        if (!file.Exists || file.LinkTarget is not null)
        {
            throw new SeedFileException($"there is no file {name} on the USB disk");
        }
        if (file.Length > SeedFile.LengthMax)
        {
            throw new SeedFileException($"{name} is larger than {SeedFile.LengthMax} bytes");
        }
        try
        {
            return File.ReadAllBytes(file.FullName);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SeedFileException($"{name} cannot be read");
        }
    }
}
