using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Units;

/// <summary>A request that was wrong: what the caller is told. Nothing has changed.</summary>
internal sealed class LabProblem(int status, string detail) : Exception(detail)
{
    public int Status => status;

    /// <summary>The code of the service that refused, if it has one.</summary>
    public int? ErrorCode { get; init; }

    public static LabProblem Bad(string detail) => new(StatusCodes.Status400BadRequest, detail);

    public static LabProblem NotFound(string detail) => new(StatusCodes.Status404NotFound, detail);
}
