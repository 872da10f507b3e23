using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Panel;
using Appliance.Doubles.Phones;
using Appliance.Doubles.Wire;
using Appliance.Hal;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab.Composition;

/// <summary>The parts of a lab that exist before its unit does. None of them listens.</summary>
internal sealed class LabBase
{
    internal LabBase(LabParts parts, OwnedStack owned)
    {
        Clock = parts.Clock;
        Log = parts.Logs.CreateLogger(parts.LogCategory);
        Faults = owned.Push(new LabFaults(Clock) { Step = parts.Step });
        Wire = parts.HasWireCapture
            ? new LabWire(Clock) { Authenticator = parts.Authenticator?.Address, PushesDirect = parts.Push is null }
            : null;
        Phones = owned.Push(new PhoneFleet(Clock, Log, ConnectFrom(parts), Faults) { Wire = Wire });
        Panel = parts.Appliance?.Board is { } board && board.Leds.Count + board.Buttons.Count > 0
            ? owned.Push(new LabPanel(board, Clock))
            : null;
    }

    internal LabClock Clock { get; }

    internal ILogger Log { get; }

    internal LabFaults Faults { get; }

    /// <summary>The wire capture; null for none.</summary>
    internal LabWire? Wire { get; }

    internal PhoneFleet Phones { get; }

    /// <summary>The front panel; null if the board has none.</summary>
    internal LabPanel? Panel { get; }

    /// <summary>The e-mails and text messages that the unit sends.</summary>
    internal LabInbox Inbox { get; } = new();

    private static PhoneConnect? ConnectFrom(LabParts parts)
    {
        if (parts.PhoneAddress is not { } address)
        {
            return null;
        }
        var nic = parts.Network.Nic("phones", address);
        return async (remote, cancellationToken) => new ConnectionStream(await nic.ConnectAsync(remote, cancellationToken));
    }
}
