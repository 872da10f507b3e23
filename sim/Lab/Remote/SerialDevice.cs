namespace Appliance.Lab.Remote;

/// <summary>The serial device of this machine that is wired to a unit's console.</summary>
/// <param name="Device">Its path.</param>
/// <param name="Speed">Bits a second.</param>
internal sealed record SerialDevice(string Device, int Speed)
{
    /// <summary>The speed of the boards' consoles.</summary>
    public const int UsualSpeed = 115200;
}
