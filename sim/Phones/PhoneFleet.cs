using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using Appliance.Sim.Faults;
using Appliance.Sim.Wire;
using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Phones;

/// <summary>Where phones are enrolled: an appliance.</summary>
public interface IPhoneSource
{
    /// <summary>Another object after each change of the configuration.</summary>
    object Version { get; }

    /// <summary>What the phones of all mobile tokens get at enrolment.</summary>
    IReadOnlyList<TokenActivation> Activations();

    /// <summary>Presents an activation code; what comes back is told once.</summary>
    Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone);

    /// <summary>The CA that phones trust from their enrolment on.</summary>
    X509Certificate2 DeviceCa { get; }

    /// <summary>All CAs that phones trust: that of the appliance, and of whatever else pushes to them.</summary>
    IReadOnlyList<X509Certificate2> Authorities => [DeviceCa];
}

/// <summary>
/// One phone for each mobile token of the appliance. Looks whether the configuration changed whenever it is asked, so that
/// it can neither miss a change nor hold up a commit.
/// </summary>
public sealed class PhoneFleet(TimeProvider time, ILogger log, PhoneConnect? connect = null, LabFaults? faults = null) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Phone> _phones = [];
    private IPhoneSource? _source;
    private object? _version;

    /// <summary>Until then there are no phones.</summary>
    public void Attach(IPhoneSource source)
    {
        lock (_gate)
        {
            _source = source;
            _version = null;
        }
    }

    /// <summary>Where what the phones get and send is told; null for nowhere.</summary>
    internal LabWire? Wire { get; init; }

    /// <summary>A phone went on or off.</summary>
    public event Action? OnlineChanged;

    /// <summary>All phones, by serial number.</summary>
    public IReadOnlyList<Phone> Phones
    {
        get
        {
            lock (_gate)
            {
                RefreshLocked();
                return [.. _phones.Values.OrderBy(phone => phone.Serial, StringComparer.Ordinal)];
            }
        }
    }

    public Phone? Find(string serial)
    {
        lock (_gate)
        {
            RefreshLocked();
            return _phones.GetValueOrDefault(serial);
        }
    }

    /// <summary>Which phones are another process's (<c>run phones</c>): this one neither receives their pushes nor answers them.</summary>
    public Func<Phone, bool> IsElsewhere { get; set; } = _ => false;

    /// <summary>
    /// A new phone activates a token: it registers with the push cloud under a random id, presents the code, and is one of the fleet from
    /// then on. Null with the answer that refuses it.
    /// </summary>
    public async Task<(Phone? Phone, EnrolmentAnswer Answer)> EnrolAsync(string activationCode, string platform)
    {
        IPhoneSource? source;
        lock (_gate)
        {
            source = _source;
        }
        if (source is null)
        {
            return (null, new EnrolmentAnswer(EnrolmentAnswer.NotNow, "the appliance is starting"));
        }
        var registration = "lab-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var answer = await source.EnrolAsync(new PhoneEnrolment(activationCode, registration, platform == "android" ? "Android 15" : "ios 18.1"));
        return (answer.ErrorCode == 0 ? Find(answer.Serial) : null, answer);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var phone in _phones.Values)
            {
                phone.Dispose();
            }
            _phones.Clear();
            _source = null;
        }
    }

    private void RefreshLocked()
    {
        if (_source is null || ReferenceEquals(_source.Version, _version))
        {
            return;
        }
        // Taken before the activations are read: a change in between is then seen the next time.
        _version = _source.Version;
        var activations = _source.Activations().ToDictionary(activation => activation.Serial);
        foreach (var serial in _phones.Keys.Except(activations.Keys).ToList())
        {
            _phones.Remove(serial, out var gone);
            gone?.Dispose();
        }
        foreach (var (serial, activation) in activations)
        {
            if (_phones.TryGetValue(serial, out var phone))
            {
                phone.Enrol(activation);
            }
            else
            {
                _phones.Add(serial, new Phone(activation, new PushCallback(_source.Authorities, time, log, connect, faults) { Wire = Wire }, time) { Wire = Wire, OnlineChanged = () => OnlineChanged?.Invoke() });
            }
        }
    }
}
