namespace Appliance.Firmware.Config;

/// <summary>A check of single values that can explain a rejection.</summary>
internal interface IReasonedCheck
{
    /// <summary>True if the value is accepted.</summary>
    bool IsGood(string value);

    /// <summary>Returns the reason that a value is rejected, without any part of it that may be a secret.</summary>
    string Why(string value);
}
