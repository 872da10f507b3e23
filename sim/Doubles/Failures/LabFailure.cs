using System.Net.Sockets;
using Appliance.Firmware.Storage;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.Failures;

/// <summary>The kind of a failure. The tool maps each kind to an exit code.</summary>
public enum FailureKind
{
    /// <summary>An expectation was not met.</summary>
    AssertionFailed,

    /// <summary>The caller gave wrong arguments.</summary>
    Usage,

    /// <summary>A configuration or settings file is invalid.</summary>
    ConfigurationInvalid,

    /// <summary>An address or port is in use.</summary>
    Busy,

    /// <summary>The state folder is damaged or cannot be used.</summary>
    StateDamaged,

    /// <summary>A file, program or peer that is needed is missing.</summary>
    Missing,

    /// <summary>A deadline passed.</summary>
    TimedOut,
}

/// <summary>A failure that the operator can correct: its kind, and one line that gives the reason.</summary>
internal sealed class LabFailure(FailureKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public FailureKind Kind => kind;

    /// <summary>Classifies a failed start; null for a programming error, which must stay visible as one.</summary>
    public static LabFailure? From(Exception failure) =>
        failure switch
        {
            LabFailure known => known,
            TooFewDescriptorsException => new(FailureKind.Missing, failure.Message, failure),
            PlacementException => new(FailureKind.Busy, failure.Message, failure),
            AddressInUseException => new(FailureKind.Busy, failure.Message, failure),
            IOException { InnerException: AddressInUseException inner } => new(FailureKind.Busy, inner.Message, failure),
            SocketException
            {
                SocketErrorCode: SocketError.AddressAlreadyInUse or SocketError.AddressNotAvailable or SocketError.AccessDenied
            } => new(FailureKind.Busy, failure.Message, failure),
            FormatException => new(FailureKind.ConfigurationInvalid, failure.Message, failure),
            StateDamagedException => new(FailureKind.StateDamaged, failure.Message, failure),
            InvalidDataException => new(FailureKind.StateDamaged, failure.Message, failure),
            UnauthorizedAccessException => new(FailureKind.StateDamaged, failure.Message, failure),
            IOException => new(FailureKind.StateDamaged, failure.Message, failure),
            _ => null,
        };
}
