using System.Net.Sockets;
using Appliance.Firmware.Storage;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Sim.Lab;

/// <summary>The tool's exit codes; scripts depend on them.</summary>
public static class ExitCode
{
    public const int Ok = 0;
    public const int AssertionFailed = 1;
    public const int Usage = 2;
    public const int ConfigurationInvalid = 3;
    public const int Busy = 4;
    public const int StateDamaged = 5;
    public const int Missing = 69;
    public const int TimedOut = 124;
}

/// <summary>Ends the tool with an exit code and one line that says why.</summary>
internal sealed class LabFailure(int code, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Code => code;

    /// <summary>What a failed start means to the operator; null when it is our mistake and should be seen as one.</summary>
    public static LabFailure? From(Exception failure) => failure switch
    {
        LabFailure known => known,
        TooFewDescriptorsException => new(ExitCode.Missing, failure.Message, failure),
        PlacementException => new(ExitCode.Busy, failure.Message, failure),
        AddressInUseException => new(ExitCode.Busy, failure.Message, failure),
        IOException { InnerException: AddressInUseException inner } => new(ExitCode.Busy, inner.Message, failure),
        SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse or SocketError.AddressNotAvailable or SocketError.AccessDenied } => new(ExitCode.Busy, failure.Message, failure),
        FormatException => new(ExitCode.ConfigurationInvalid, failure.Message, failure),
        StateDamagedException => new(ExitCode.StateDamaged, failure.Message, failure),
        InvalidDataException => new(ExitCode.StateDamaged, failure.Message, failure),
        UnauthorizedAccessException => new(ExitCode.StateDamaged, failure.Message, failure),
        IOException => new(ExitCode.StateDamaged, failure.Message, failure),
        _ => null,
    };
}
