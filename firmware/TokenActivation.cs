namespace Appliance.Firmware;

/// <summary>The data that a phone receives at enrolment. Never logged, never displayed.</summary>
public sealed record TokenActivation(
    string Serial,
    byte[] Seed,
    TimeSpan Step,
    int Digits,
    string RegistrationId,
    string OsVersion,
    string? User
);
