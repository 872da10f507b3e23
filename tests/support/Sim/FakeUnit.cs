using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Hal;
using Appliance.Lab.Units;

namespace Appliance.Tests.Sim;

/// <summary>A fake appliance with only the interface that the lab uses.</summary>
internal sealed class FakeUnit(X509Certificate2 deviceCa) : ILabUnit, IUnitConsole, IUnitPolicy, IUnitCables, IFaultTarget
{
    public const string AnnSerial = "FTKMOB0000000001";
    public const string CatSerial = "FTKMOB0000000002";

    private readonly Lock _gate = new();
    private readonly List<EventRecord> _events = [];
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The seed of RFC 6238, appendix B.</summary>
    public static byte[] Seed => "12345678901234567890"u8.ToArray();

    public List<TokenActivation> Tokens { get; } =
    [
        new(AnnSerial, Seed, TimeSpan.FromSeconds(30), 8, "reg-ann", "ios 17.5", "ann"),
        new(CatSerial, Seed, TimeSpan.FromSeconds(60), 6, "", "Android 14", "cat"),
    ];

    public Offer<IUnitConsole> Console => new(this);

    public Offer<IUnitPolicy> Policy => new(this);

    public Offer<IUnitCables> Cables => new(this);

    public Offer<IFaultTarget> Faults => new(this);

    /// <summary>The clock that the lab sets.</summary>
    public Offer<LabClock> Clock { get; set; } = MissingPart.Here("a fake unit has no clock");

    public Offer<Meter> Metrics => MissingPart.Here("there is no appliance in this lab (run up starts one)");

    IUnitCables IFaultTarget.Links => this;

    public IEnumerable<string> Interfaces => Nics.Select(nic => nic.Name);

    public List<string> Scripts { get; } = [];

    public object Version { get; set; } = new();

    public X509Certificate2 DeviceCa => deviceCa;

    public IReadOnlyList<LabNic> Nics { get; } = [new("port1", IPAddress.Parse("127.0.1.1"), ["ping", "https", "ftm"])];

    public IReadOnlyList<BoundService> Services { get; } = [new("ftm", "port1", IPEndPoint.Parse("127.0.1.1:4433"))];

    public IReadOnlyList<string> Users => ["ann", "bob", "cat"];

    /// <summary>The answer to every activation code.</summary>
    public EnrolmentAnswer Enrolment { get; set; } = new(EnrolmentAnswer.CodeInvalid, "activation code invalid");

    public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) => Task.FromResult(Enrolment);

    public IReadOnlyList<TokenActivation> Activations() => [.. Tokens];

    public Task<string> TranscriptAsync(string script, CancellationToken cancellationToken = default)
    {
        Scripts.Add(script);
        return Task.FromResult($"lab-appliance # {script}\n");
    }

    public async Task RunConsoleAsync(Stream input, Stream output, bool echo, bool login, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{(echo ? "echo" : "plain")} {line}\n"), cancellationToken);
        }
    }

    public LoginJournal Logins { get; } = new();

    public LabPolicy Current { get; private set; } = LabPolicy.Default;

    public Task SetAsync(LabPolicy policy)
    {
        Current = policy;
        return Task.CompletedTask;
    }

    public async Task<ConsoleEnd> RunTerminalAsync(
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        bool login,
        CancellationToken cancellationToken
    )
    {
        await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"terminal {size().Rows} {size().Columns}\r\n"), cancellationToken);
        return ConsoleEnd.HungUp;
    }

    public void Write(string description)
    {
        TaskCompletionSource written;
        lock (_gate)
        {
            var entry = new EventEntry("0101039943", "vpn", EventLevel.Notice, description, ("user", "ann"));
            _events.Add(new EventRecord(_events.Count + 1, DateTimeOffset.UnixEpoch, entry, new EventDevice("fake", "FGVMFAKE")));
            (written, _written) = (_written, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        written.SetResult();
    }

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit)
    {
        lock (_gate)
        {
            return [.. _events.Where(record => record.Id > id).Take(limit)];
        }
    }

    public async Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task written;
            lock (_gate)
            {
                if (_events.Count > id)
                {
                    return;
                }
                written = _written.Task;
            }
            await written.WaitAsync(cancellationToken);
        }
    }

    public X509Certificate2? ServiceCertificate(string service) => null;

    public List<EventEntry> Entries { get; } = [];

    public List<(string Nic, bool Up)> Links { get; } = [];

    public void WriteEvent(EventEntry entry)
    {
        lock (_gate)
        {
            Entries.Add(entry);
        }
    }

    public List<(string? Session, LoginFact Fact)> Notes { get; } = [];

    public void NoteLogin(string? pushSession, LoginFact fact)
    {
        lock (_gate)
        {
            Notes.Add((pushSession, fact));
        }
    }

    public void SetLink(string nic, bool up)
    {
        lock (_gate)
        {
            Links.Add((nic, up));
        }
    }
}
