using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Units;

/// <summary>A request that is refused, with the reply to the client. Nothing has changed.</summary>
internal sealed class LabProblem(int status, string detail) : Exception(detail)
{
    public int Status => status;

    /// <summary>The error code of the emulated service, if it has one.</summary>
    public int? ErrorCode { get; init; }

    public static LabProblem Bad(string detail) => new(StatusCodes.Status400BadRequest, detail);

    public static LabProblem NotFound(string detail) => new(StatusCodes.Status404NotFound, detail);
}
