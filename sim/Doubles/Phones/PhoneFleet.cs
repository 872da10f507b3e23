using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Wire;
using Appliance.Firmware;
using Appliance.Firmware.Enrolment;
using Microsoft.Extensions.Logging;

namespace Appliance.Doubles.Phones;

/// <summary>The appliance or emulator at which phones are enrolled.</summary>
public interface IPhoneSource
{
    /// <summary>An object that is replaced with each change of the configuration.</summary>
    object Version { get; }

    /// <summary>Returns the activations of all mobile tokens, which their phones receive at enrolment.</summary>
    IReadOnlyList<TokenActivation> Activations();

    /// <summary>Presents an activation code and returns the answer, which is delivered only once.</summary>
    Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone);

    /// <summary>The CA that phones trust after their enrolment.</summary>
    X509Certificate2 DeviceCa { get; }

    /// <summary>All CAs that phones trust: that of the appliance, and those of the other senders of pushes.</summary>
    IReadOnlyList<X509Certificate2> Authorities => [DeviceCa];
}

/// <summary>
/// The phones of the appliance, one for each mobile token. The fleet checks for a changed configuration on each access, so that it can
/// neither miss a change nor delay a commit.
/// </summary>
public sealed class PhoneFleet(TimeProvider time, ILogger log, PhoneConnect? connect = null, LabFaults? faults = null) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Phone> _phones = [];
    private IPhoneSource? _source;
    private object? _version;

    /// <summary>Sets the source; before that there are no phones.</summary>
    public void Attach(IPhoneSource source)
    {
        lock (_gate)
        {
            _source = source;
            _version = null;
        }
    }

    /// <summary>Raised after a phone went online or offline.</summary>
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

    /// <summary>
    /// Returns true for phones of another process (<c>run phones</c>): this process neither receives their pushes nor answers them.
    /// </summary>
    public Func<Phone, bool> IsElsewhere { get; set; } = _ => false;

    /// <summary>
    /// Activates a token on a new phone, which registers with the push cloud under a random id, presents the code, and belongs to the fleet
    /// from then on. The phone is null if the answer refuses the enrolment.
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
        var answer = await source.EnrolAsync(
            new PhoneEnrolment(activationCode, registration, platform == "android" ? "Android 15" : "ios 18.1")
        );
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

    /// <summary>The wire capture that records the phones' messages; null for none.</summary>
    internal LabWire? Wire { get; init; }

    private void RefreshLocked()
    {
        if (_source is null || ReferenceEquals(_source.Version, _version))
        {
            return;
        }
        // Read before the activations, so that a change in between is detected on the next access.
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
                _phones.Add(
                    serial,
                    new Phone(activation, new PushCallback(_source.Authorities, time, log, connect, faults) { Wire = Wire }, time)
                    {
                        Wire = Wire,
                        OnlineChanged = () => OnlineChanged?.Invoke(),
                    }
                );
            }
        }
    }
}
