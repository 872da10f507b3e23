using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;

namespace Appliance.Doubles.Faults;

/// <summary>The unit that the lab's faults act on.</summary>
public interface IFaultTarget
{
    /// <summary>The cables of the unit's interfaces; null for a unit without interfaces.</summary>
    IUnitCables? Links { get; }

    /// <summary>
    /// Adds a step of the lab to the pending login of a push; a null push session adds it to every pending login. No effect on a unit that
    /// records no logins.
    /// </summary>
    void NoteLogin(string? pushSession, LoginFact fact);

    /// <summary>Writes an event of the lab into the unit's log.</summary>
    void WriteEvent(EventEntry entry);
}

/// <summary>The cables of a unit's interfaces.</summary>
public interface IUnitCables
{
    /// <summary>The names of the unit's interfaces.</summary>
    IEnumerable<string> Interfaces { get; }

    /// <summary>Takes the link of an interface up or down; the interface is one of <see cref="Interfaces"/>.</summary>
    void SetLink(string nic, bool up);
}
