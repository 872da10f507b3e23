namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>A pending or answered request.</summary>
public sealed class FacEntry
{
    internal FacEntry(FacClient client, byte[] authenticator, FacWay way)
    {
        Client = client;
        Authenticator = authenticator;
        Way = way;
    }

    internal FacWay Way { get; }

    /// <summary>The time of arrival.</summary>
    internal DateTimeOffset Arrived { get; init; }

    /// <summary>The previous request with the same source and identifier, copies of which may still be in transit; null for none.</summary>
    internal FacEntry? Former { get; set; }

    internal FacClient Client { get; }

    /// <summary>The Request Authenticator; empty for an answered request of an earlier run until it is repeated.</summary>
    internal byte[] Authenticator { get; set; }

    /// <summary>The digest of an answered request of an earlier run; null for a request of this run.</summary>
    internal byte[]? Digest { get; init; }

    /// <summary>The user name of the request; null if it has none.</summary>
    internal string? User { get; set; }

    /// <summary>The State of the login that the request is pending with; null once it is answered.</summary>
    internal string? State { get; set; }

    /// <summary>
    /// The header and Proxy-States of a pending request, which its answer needs (<see cref="FacRadius"/>). Null once it is answered.
    /// </summary>
    internal byte[]? Request { get; set; }

    internal byte[]? Reply { get; set; }

    /// <summary>True once the reply has left: its content is durable, so a repeated request may get it again.</summary>
    internal bool Sent { get; set; }
}
