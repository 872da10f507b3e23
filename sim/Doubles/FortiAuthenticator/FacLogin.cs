using System.Text.Json;
using System.Text.Json.Serialization;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>A login whose password was right.</summary>
/// <param name="State">The login's State: ten digits.</param>
/// <param name="User">The user's name.</param>
/// <param name="Nas">The address of the client that requested it; only this client may continue the login.</param>
/// <param name="Caller">The user's address.</param>
/// <param name="Began">The time at which the login began.</param>
/// <param name="Expires">The time at which the login expires.</param>
internal sealed record FacLogin(string State, string User, string Nas, string Caller, DateTimeOffset Began, DateTimeOffset Expires)
{
    internal const string KeyPrefix = "login/";

    /// <summary>The session of the push that is out; null if none is.</summary>
    public string? Push { get; init; }

    /// <summary>True once the push was handed over.</summary>
    public bool IsSent { get; init; }

    /// <summary>The token that the push went to.</summary>
    public string? Token { get; init; }

    /// <summary>True once the login is decided; it is kept for late responses only.</summary>
    public bool IsOver { get; init; }

    /// <summary>The number of wrong answers of the phone.</summary>
    public int WrongAnswers { get; init; }

    /// <summary>The proof that an accept carries (base64); null for schemes that have none.</summary>
    public string? Proof { get; init; }

    internal FacRecord Record() => new(KeyPrefix + State, JsonSerializer.Serialize(this, FacLoginJson.Default.FacLogin), Expires);
}

[JsonSerializable(typeof(FacLogin))]
internal sealed partial class FacLoginJson : JsonSerializerContext;
