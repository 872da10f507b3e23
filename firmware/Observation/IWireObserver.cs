using Appliance.Firmware.Http;
using Appliance.Firmware.Radius;

namespace Appliance.Firmware.Observation;

/// <summary>The lab's tap on the unit's messages (wire capture). It receives them unmasked.</summary>
public interface IWireObserver
{
    /// <summary>Returns the service itself, or one that forwards each request to it.</summary>
    IHttpService Over(string service, IHttpService inner);

    /// <summary>Receives a packet to or from a RADIUS server. Must return immediately.</summary>
    void Radius(RadiusTraffic traffic);
}
