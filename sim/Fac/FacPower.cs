using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Sim.Faults;
using Appliance.Sim.Lab;
using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Fac;

/// <summary>What the stand-in runs on: what is the same before and after a restart.</summary>
/// <param name="Nic">Its interface.</param>
/// <param name="StateFolder">Where its state lives; made when missing.</param>
/// <param name="Time">Its clock.</param>
/// <param name="Log">For what is no event.</param>
/// <param name="Faults">What is to go wrong; null for nothing.</param>
/// <param name="Https">False: no REST, no phones and no RadSec.</param>
public sealed record FacOptions(INic Nic, string StateFolder, TimeProvider Time, ILogger Log, LabFaults? Faults = null, bool Https = true);

/// <summary>
/// The stand-in's mains switch: keeps one <see cref="FacServer"/> running, and starts the next from what is on disk when a restart is asked for
/// (<c>radius.restart</c>). Ports that were free ones stay what they were. Thread-safe.
/// </summary>
public sealed class FacPower : IAsyncDisposable
{
    private readonly FacOptions _options;
    private readonly SemaphoreSlim _one = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly IPushSender? _phones;
    private volatile FacServer _server = null!;
    private X509Certificate2 _authority = null!;
    private Task _restarting = Task.CompletedTask;

    private FacPower(FacOptions options, IPushSender? phones) => (_options, _phones) = (options, phones);

    /// <summary>The one that runs; while it restarts, the one that ran.</summary>
    public FacServer Server => _server;

    /// <summary>The CA that its phones trust: the same over restarts.</summary>
    public X509Certificate2 Authority => _authority;

    /// <summary>Starts it; returns when every port listens.</summary>
    /// <param name="settings">What it is made of.</param>
    /// <param name="options">What it runs on.</param>
    /// <param name="phones">The way to the phones; null for none.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="LabFailure">A port is taken, or the state is damaged.</exception>
    public static async Task<FacPower> StartAsync(FacSettings settings, FacOptions options, IPushSender? phones, CancellationToken cancellationToken = default)
    {
        var power = new FacPower(options, phones);
        try
        {
            power._server = await power.BootAsync(settings, cancellationToken);
            power._authority = X509CertificateLoader.LoadCertificate(power._server.Authority.RawData);
            return power;
        }
        catch (Exception failure) when (LabFailure.From(failure) is { } known && !ReferenceEquals(known, failure))
        {
            throw new LabFailure(known.Code, $"authenticator: {known.Message}", failure);
        }
    }

    /// <summary>Sends the pending pushes of the run before the lab's start to its phones, which are enrolled by now. Returns at once.</summary>
    public void Resume() => _server.Resume();

    /// <summary>Stops it, leaves it off for a while of lab time, and starts it from what is on disk.</summary>
    public async Task RestartAsync(TimeSpan off)
    {
        await _one.WaitAsync(_stopping.Token);
        try
        {
            var settings = _server.SettingsAsBound();
            await _server.DisposeAsync();
            if (off > TimeSpan.Zero)
            {
                await WorkInHand.DelayAsync(off, _options.Time, _stopping.Token);
            }
            _server = await BootAsync(settings, _stopping.Token);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Its newest events after an id, oldest first.</summary>
    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => _server.Events.After(id, limit);

    /// <summary>Completes as soon as there is an event after an id, over restarts.</summary>
    public async Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken)
    {
        while (true)
        {
            var server = _server;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, server.Stopped);
            try
            {
                await server.Events.WaitAfterAsync(id, either.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // This one goes: whoever waits, waits on for the next one's.
                await _one.WaitAsync(cancellationToken);
                _one.Release();
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _restarting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _server.DisposeAsync();
        _authority.Dispose();
        _stopping.Dispose();
        _one.Dispose();
    }

    private async Task<FacServer> BootAsync(FacSettings settings, CancellationToken cancellationToken)
    {
        var server = await FacServer.StartAsync(settings, _options, cancellationToken);
        if (_phones is not null)
        {
            server.Connect(_phones);
        }
        server.RestartAsked += off => WorkInHand.Run(WorkInHand.Of(_options.Time), () => _restarting = RestartLoggedAsync(off));
        return server;
    }

    private async Task RestartLoggedAsync(TimeSpan off)
    {
        await Task.Yield(); // Who asked is what is being stopped.
        try
        {
            await RestartAsync(off);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The lab ends first.
        }
        catch (Exception failure) when (LabFailure.From(failure) is not null)
        {
            _options.Log.LogError(failure, "authenticator: it does not come up again");
        }
    }
}
