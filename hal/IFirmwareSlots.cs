namespace Appliance.Hal;

/// <summary>The places that a box's firmware is booted from.</summary>
/// <param name="Name">The one that runs.</param>
/// <param name="Version">What is in it.</param>
public sealed record FirmwareSlot(string Name, string Version)
{
    /// <summary>It has not shown yet that it works: the boot loader counts its starts.</summary>
    public bool OnTrial { get; init; }

    /// <summary>The slot that the next start of the machine boots, when that is another one.</summary>
    public string? Next { get; init; }

    /// <summary>The slot that was to be booted and did not come up.</summary>
    public string? Failed { get; init; }
}

/// <summary>A box with two slots for its firmware: an update goes into the one that does not run, whole or not at all.</summary>
public interface IFirmwareSlots
{
    /// <summary>What runs now, and what will.</summary>
    FirmwareSlot Slot { get; }

    /// <summary>
    /// Puts an update from the USB disk into the slot that does not run; the next start of the machine boots it. Signature, board and version are checked before anything is
    /// written. Not interrupted once it has begun. Null when done, else why not; then what runs, runs on, and boots.
    /// </summary>
    /// <param name="file">A plain name; it is compared with those on the disk.</param>
    Task<string?> InstallAsync(string file);
}
