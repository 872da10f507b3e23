using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Hal;
using Appliance.Lab.Scenarios;

namespace Appliance.Lab.Targets;

/// <summary>An SSL VPN client over real sockets.</summary>
internal sealed class RemoteClient(INic nic, IPEndPoint to, X509Certificate2 authority, TimeProvider time, Func<Task> settle)
    : IScenarioClient,
        IDisposable
{
    /// <summary>The time limit of an immediate reply, on any machine.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    /// <summary>A request for a push without a reply after this time waits for a user.</summary>
    private static readonly TimeSpan WaitsAfter = TimeSpan.FromMilliseconds(1500);

    private readonly HttpClient _http = VpnForms.Over(nic, to, authority, time);
    private readonly Lock _lock = new();
    private int _newest;
    private int _answered;

    public bool Waits
    {
        get
        {
            lock (_lock)
            {
                return _answered < _newest;
            }
        }
    }

    public ClientReply? Reply { get; private set; }

    public async Task PostAsync(string form)
    {
        int number;
        lock (_lock)
        {
            number = ++_newest;
        }
        await Task.WhenAny(
            RunAsync(form, number),
            Task.Delay(form.Contains("&ftmpush=1", StringComparison.Ordinal) ? WaitsAfter : AnswerPatience, LabClock.Wall)
        );
        await settle();
    }

    public void Dispose() => _http.Dispose();

    private async Task RunAsync(string form, int number)
    {
        var reply = await VpnForms.PostAsync(_http, form);
        lock (_lock)
        {
            // Discard the reply to a request that a newer one has overtaken.
            if (number == _newest)
            {
                (Reply, _answered) = (reply, number);
            }
        }
    }
}
