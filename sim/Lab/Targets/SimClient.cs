using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Nics;
using Appliance.Firmware.Events;
using Appliance.Lab.Scenarios;

namespace Appliance.Lab.Targets;

/// <summary>An SSL VPN client over interfaces in memory, which trusts only the unit's CA. The clock counts its requests as work.</summary>
internal sealed class SimClient : IScenarioClient, IDisposable
{
    private readonly WorkTracker _work;
    private readonly Func<Task> _settled;
    private readonly HttpClient _http;
    private readonly Lock _lock = new();
    private readonly List<Task> _open = [];
    private Task? _newest;

    public SimClient(SimNic nic, IPEndPoint to, X509Certificate2 authority, TimeProvider time, WorkTracker work, Func<Task> settled)
    {
        To = to;
        _work = work;
        _settled = settled;
        _http = VpnForms.Over(nic, to, authority, time);
    }

    /// <summary>The endpoint that it connects to.</summary>
    public IPEndPoint To { get; }

    /// <summary>The current request; null if there is none.</summary>
    public Task? Request
    {
        get
        {
            lock (_lock)
            {
                return _open.FirstOrDefault();
            }
        }
    }

    public bool Waits
    {
        get
        {
            lock (_lock)
            {
                return _newest is { IsCompleted: false } && _open.Contains(_newest);
            }
        }
    }

    public ClientReply? Reply { get; private set; }

    public Task PostAsync(string form)
    {
        _work.Begin();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _open.Add(_newest = done.Task);
        }
        _ = RunAsync(form, done);
        return _settled();
    }

    public void Dispose() => _http.Dispose();

    private async Task RunAsync(string form, TaskCompletionSource done)
    {
        var reply = await VpnForms.PostAsync(_http, form);
        // Set before the work ends, so that a waiter for its end finds it. The reply to a request that a newer one has overtaken is
        // discarded.
        lock (_lock)
        {
            Reply = ReferenceEquals(_newest, done.Task) ? reply : Reply;
            _open.Remove(done.Task);
        }
        _work.End();
        done.SetResult();
    }
}
