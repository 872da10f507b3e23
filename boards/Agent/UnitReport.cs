using System.Net;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Mail;
using Appliance.Hal;
using Appliance.Link;

namespace Appliance.Agent;

/// <summary>The state of a unit in the words of the link.</summary>
internal static class UnitReport
{
    /// <summary>The state while no unit runs.</summary>
    public static LinkState Off(int boots, LinkAsk ask, long change, string? off) =>
        new(boots, false, "", "", 0, [], [], [], null, [], [], LabPolicy.Default, [], [], [], ask.StepsAfter, change, off);

    /// <summary>The state of a running unit, without the steps of its logins.</summary>
    public static LinkState Of(Unit unit, int boots, long version, LinkAsk ask, long change)
    {
        var config = unit.Config.Current;
        var mail = MailSettings.Read(config);
        return new LinkState(
            boots,
            true,
            unit.SerialNumber,
            config.Object("system global").Text("hostname"),
            version,
            unit.DeviceCa.RawData,
            [.. unit.Nics.Select(Nic)],
            [.. unit.Services.Select(bound => Service(unit, bound))],
            mail is { Server: var server, Port: var port } && IPAddress.TryParse(server, out var address)
                ? new IPEndPoint(address, port).ToString()
                : null,
            [.. mail?.SmsGateways.Values ?? []],
            [.. unit.Activations().Select(Phone)],
            unit.LabPolicy,
            [],
            [.. unit.Events.After(ask.EventsAfter, LinkAsk.Most).Select(Event)],
            [.. config.List("user local").Keys.Where(name => !FactoryObjects.Has("user local", name))],
            ask.StepsAfter,
            change,
            null
        );
    }

    private static LinkNic Nic(GatedNic nic) =>
        new(nic.Name, nic.Addresses[0].ToString(), AllowAccessWord.Of(nic.Access), nic.Inner.LinkUp);

    private static LinkService Service(Unit unit, BoundService bound) =>
        new(
            bound.Service,
            bound.Nic,
            bound.EndPoint.ToString(),
            unit.ServiceCertificate(bound.Service) is { } shown ? Convert.ToBase64String(shown.RawData) : null
        );

    private static LinkPhone Phone(TokenActivation phone) =>
        new(phone.Serial, phone.Seed, phone.Step, phone.Digits, phone.RegistrationId, phone.OsVersion, phone.User);

    private static LinkEvent Event(EventRecord record) =>
        new(
            record.Id,
            record.Time,
            record.Entry.LogId,
            record.Entry.Subtype,
            (int)record.Entry.Level,
            record.Entry.Description,
            [.. record.Entry.Fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]
        );
}
