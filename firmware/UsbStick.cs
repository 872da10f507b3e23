using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware;

/// <summary>The stick in the unit's USB port: a folder of the state (*assumed*: a lab has no slot to put one in).</summary>
internal sealed class UsbStick(string folder)
{
    private const int NameMax = 64;

    /// <summary>Writes a file whole or not at all; null when it is there.</summary>
    internal ConfigError? Write(string name, string text)
    {
        if (Refuse(name) is { } refused)
        {
            return refused;
        }
        try
        {
            AtomicFile.Write(Path.Combine(folder, name), Encoding.UTF8.GetBytes(text));
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ConfigError(-1, $"Copy config file to USB disk failed: {error.Message}");
        }
    }

    /// <summary>What a file holds, or why it cannot be had.</summary>
    /// <param name="name">A plain name.</param>
    /// <param name="sizeMax">How large it may be, in bytes.</param>
    internal (byte[]? Content, ConfigError? Error) Read(string name, int sizeMax)
    {
        if (Refuse(name) is { } refused)
        {
            return (null, refused);
        }
        try
        {
            var file = new FileInfo(Path.Combine(folder, name));
            // A link may lead anywhere.
            return !file.Exists || file.LinkTarget is not null ? (null, new ConfigError(-1, $"file {name} is not on the USB disk"))
                : file.Length > sizeMax ? (null, new ConfigError(-1, $"file {name} has {file.Length} bytes, the limit is {sizeMax}"))
                : (File.ReadAllBytes(file.FullName), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, new ConfigError(-1, $"Get file from USB disk failed: {error.Message}"));
        }
    }

    /// <summary>A name of letters, digits, dot, hyphen and underscore that begins with a letter or digit: never a path.</summary>
    internal static ConfigError? Refuse(string name) =>
        name.Length is > 0 and <= NameMax && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') && !name.EndsWith(".new", StringComparison.Ordinal)
            ? null
            : new ConfigError(-1, $"the file name must be 1 to {NameMax} letters, digits, '.', '-' or '_', and begin with a letter or digit");
}
