using System.Net;
using System.Text;
using Appliance.Doubles.Faults;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.FortiAuthenticator;

/// <content>Applies the lab's <c>radius.*</c> faults to requests and answers.</content>
public sealed partial class FacServer
{
    /// <summary>Sends an answer as a fault alters it.</summary>
    private void SendWrongly(FacReply reply, Fault fault)
    {
        if (fault.Word == FaultWord.RadiusDelay)
        {
            // Not awaited, so that other answers are not delayed with it.
            WorkTracker.Run(_work, () => SendLateAsync(reply, fault.Delay!.Value));
            return;
        }
        if (fault.Word == FaultWord.RadiusNoMessageAuthenticator)
        {
            Put(reply, FacForgery.WithoutMessageAuthenticator(reply));
            return;
        }
        Put(reply, fault.Word == FaultWord.RadiusForged ? FacForgery.Accept(reply) : reply.Packet);
        Put(reply, reply.Packet);
    }

    private async Task SendLateAsync(FacReply reply, TimeSpan delay)
    {
        try
        {
            await WorkTracker.DelayAsync(delay, _time, Stopped);
            Put(reply, reply.Packet);
        }
        catch (OperationCanceledException)
        {
            // The server stops: the answer is lost, as any datagram may be.
        }
    }

    /// <summary>Returns true if a fault discards a request on arrival.</summary>
    private bool IsLost(LabFaults faults, ReadOnlySpan<byte> datagram, IPEndPoint source)
    {
        var user =
            RadiusPacket.Parse(datagram, out var packet) == RadiusDefect.None && packet.TryGet(RadiusAttribute.UserName, out var name)
                ? Encoding.UTF8.GetString(name)
                : null;
        if (faults.RadiusRequest(user, source.Address) is not { Fault: var fault })
        {
            return false;
        }
        if (fault.Word == FaultWord.RadiusRestart)
        {
            RestartAsked?.Invoke(fault.Delay ?? TimeSpan.Zero);
        }
        return true;
    }
}
