namespace Appliance.Firmware.Config;

/// <summary>The owner of a check of single values that can say why it refuses one.</summary>
internal interface IReasonedCheck
{
    /// <summary>Why a value is refused, without any part of it that may be a secret.</summary>
    string Why(string value);
}
