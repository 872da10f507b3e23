using System.Text.Json;
using System.Text.Json.Serialization;

namespace Appliance.Sim.Fac;

/// <summary>A login whose password was right.</summary>
/// <param name="State">Its name: ten digits.</param>
/// <param name="User">Whose.</param>
/// <param name="Nas">The client that asked; only it may go on.</param>
/// <param name="Caller">The user's address.</param>
/// <param name="Began">When.</param>
/// <param name="Expires">When it is over.</param>
internal sealed record FacLogin(string State, string User, string Nas, string Caller, DateTimeOffset Began, DateTimeOffset Expires)
{
    internal const string KeyPrefix = "login/";

    /// <summary>The push that is out; null while none is.</summary>
    public string? Push { get; init; }

    /// <summary>True once the push was handed over.</summary>
    public bool IsSent { get; init; }

    /// <summary>The token that it went to.</summary>
    public string? Token { get; init; }

    /// <summary>True once it is decided; it is remembered for late answers only.</summary>
    public bool IsOver { get; init; }

    /// <summary>Wrong answers of the phone.</summary>
    public int WrongAnswers { get; init; }

    /// <summary>What goes back with an accept (base64).</summary>
    public string? Proof { get; init; }

    internal FacRecord Record() => new(KeyPrefix + State, JsonSerializer.Serialize(this, FacLoginJson.Default.FacLogin), Expires);
}

[JsonSerializable(typeof(FacLogin))]
internal sealed partial class FacLoginJson : JsonSerializerContext;
