using System.Collections.Immutable;

namespace Appliance.Firmware.Events;

/// <summary>Severity, in the device's words and order.</summary>
public enum EventLevel
{
    /// <summary>Action must be taken at once.</summary>
    Alert,
    /// <summary>Something failed.</summary>
    Error,
    /// <summary>Something may fail.</summary>
    Warning,
    /// <summary>Normal but significant.</summary>
    Notice,
    /// <summary>For the record.</summary>
    Information,
}

/// <summary>What happened, before it has an id and a time.</summary>
/// <param name="LogId">The device's ten digits: type, subtype, id.</param>
/// <param name="Subtype">system, vpn or user.</param>
/// <param name="Level">The severity.</param>
/// <param name="Description">The <c>logdesc</c>.</param>
/// <param name="Fields">Further fields in order, already free of secrets.</param>
public sealed record EventEntry(string LogId, string Subtype, EventLevel Level, string Description, params ImmutableArray<(string Name, string Value)> Fields);

/// <summary>One event of the log.</summary>
/// <param name="Id">Rises by one; survives restarts.</param>
/// <param name="Time">When it happened, by the appliance's clock.</param>
/// <param name="Entry">What happened.</param>
/// <param name="Line">The same as one syslog line of <c>key=value</c>.</param>
public sealed record EventRecord(long Id, DateTimeOffset Time, EventEntry Entry, string Line);
