using System.Net;
using System.Text;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Sim.Faults;

namespace Appliance.Sim.Fac;

/// <summary>What the lab's <c>radius.*</c> faults do to requests and answers.</summary>
public sealed partial class FacServer
{
    /// <summary>An answer, with what a fault does to it.</summary>
    private void SendWrongly(FacReply reply, Fault fault)
    {
        switch (fault.Word)
        {
            case "radius.no-message-authenticator":
                Put(reply, FacForgery.WithoutMessageAuthenticator(reply));
                return;
            case "radius.delay":
                // Not awaited: others' answers do not wait with it.
                WorkInHand.Run(_work, () => SendLateAsync(reply, fault.Delay!.Value));
                return;
            default:
                Put(reply, fault.Word == "radius.forged" ? FacForgery.Accept(reply) : reply.Packet);
                Put(reply, reply.Packet);
                return;
        }
    }

    private async Task SendLateAsync(FacReply reply, TimeSpan delay)
    {
        try
        {
            await WorkInHand.DelayAsync(delay, _time, Stopped);
            Put(reply, reply.Packet);
        }
        catch (OperationCanceledException)
        {
            // It stops: the answer is lost, as any may be.
        }
    }

    /// <summary>Whether a fault keeps a request from being heard.</summary>
    private bool IsLost(LabFaults faults, ReadOnlySpan<byte> datagram, IPEndPoint source)
    {
        var user = RadiusPacket.Parse(datagram, out var packet) == RadiusDefect.None && packet.TryGet(RadiusAttribute.UserName, out var name) ? Encoding.UTF8.GetString(name) : null;
        if (faults.RadiusRequest(user, source.Address) is not { Fault: var fault })
        {
            return false;
        }
        if (fault.Word == "radius.restart")
        {
            RestartAsked?.Invoke(fault.Delay ?? TimeSpan.Zero);
        }
        return true;
    }
}
