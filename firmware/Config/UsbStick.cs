using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Config;

/// <summary>The USB stick of the unit: a folder in the state folder (*assumed*: a lab has no USB port).</summary>
internal sealed class UsbStick(string folder)
{
    private const int NameMax = 64;

    /// <summary>Writes a whole file or nothing; returns null on success.</summary>
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

    /// <summary>Reads a file; returns its content or the error.</summary>
    /// <param name="name">A plain file name.</param>
    /// <param name="sizeMax">The maximum size, in bytes.</param>
    internal (byte[]? Content, ConfigError? Error) Read(string name, int sizeMax)
    {
        if (Refuse(name) is { } refused)
        {
            return (null, refused);
        }
        try
        {
            var file = new FileInfo(Path.Combine(folder, name));
            // A symbolic link could lead outside the folder.
            return !file.Exists || file.LinkTarget is not null ? (null, new ConfigError(-1, $"file {name} is not on the USB disk"))
                : file.Length > sizeMax ? (null, new ConfigError(-1, $"file {name} has {file.Length} bytes, the limit is {sizeMax}"))
                : (File.ReadAllBytes(file.FullName), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, new ConfigError(-1, $"Get file from USB disk failed: {error.Message}"));
        }
    }

    /// <summary>
    /// Returns the error unless a name consists of letters, digits, dot, hyphen and underscore and begins with a letter or digit, so that
    /// it is never a path. The suffix <c>.new</c> is reserved for temporary files.
    /// </summary>
    internal static ConfigError? Refuse(string name) =>
        name.Length is > 0 and <= NameMax
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
        && !name.EndsWith(".new", StringComparison.Ordinal)
            ? null
            : new ConfigError(
                -1,
                $"the file name must be 1 to {NameMax} letters, digits, '.', '-' or '_', and begin with a letter or digit"
            );
}
