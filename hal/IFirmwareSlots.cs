namespace Appliance.Hal;

/// <summary>The state of the slots that a box's firmware is booted from.</summary>
/// <param name="Name">The running slot.</param>
/// <param name="Version">The version in the running slot.</param>
public sealed record FirmwareSlot(string Name, string Version)
{
    /// <summary>True while the running slot is on trial: the boot loader counts its starts.</summary>
    public bool OnTrial { get; init; }

    /// <summary>The slot that the next start of the machine boots, if it is another one; else null.</summary>
    public string? Next { get; init; }

    /// <summary>The slot that was to be booted and failed; null if none did.</summary>
    public string? Failed { get; init; }
}

/// <summary>A box with two firmware slots. An update is written to the slot that does not run, completely or not at all.</summary>
public interface IFirmwareSlots
{
    /// <summary>The current state of the slots.</summary>
    FirmwareSlot Slot { get; }

    /// <summary>
    /// Writes an update from the USB disk to the slot that does not run; the next start of the machine boots it. Signature, board and
    /// version are checked before anything is written. Cannot be cancelled once it has begun. Returns null on success, else the reason;
    /// the running slot is unchanged then.
    /// </summary>
    /// <param name="file">A file name without a path; it is compared with the names on the disk.</param>
    Task<string?> InstallAsync(string file);
}
