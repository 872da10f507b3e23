using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Faults;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Microsoft.Extensions.Logging;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The environment of the emulator, which stays the same over a restart.</summary>
/// <param name="Nic">The emulator's interface.</param>
/// <param name="StateFolder">The folder of its state; created if missing.</param>
/// <param name="Time">The emulator's clock.</param>
/// <param name="Log">The log for messages that are no events.</param>
/// <param name="Faults">The lab's faults; null for none.</param>
/// <param name="Https">False: no REST, no callbacks of phones and no RadSec.</param>
public sealed record FacOptions(INic Nic, string StateFolder, TimeProvider Time, ILogger Log, LabFaults? Faults = null, bool Https = true);

/// <summary>
/// The emulator's power switch: keeps one <see cref="FacServer"/> running. A requested restart (<c>radius.restart</c>) starts the next one
/// from the state on disk. Ports that were chosen as free ones stay the same. Thread-safe.
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

    /// <summary>The running server; during a restart, the previous one.</summary>
    public FacServer Server => _server;

    /// <summary>The CA that the emulator's phones trust; it stays the same over restarts.</summary>
    public X509Certificate2 Authority => _authority;

    /// <summary>Starts the emulator; returns when every port listens.</summary>
    /// <param name="settings">The emulator's settings.</param>
    /// <param name="options">The emulator's environment.</param>
    /// <param name="phones">The sender of pushes to the phones; null for none.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="LabFailure">A port is in use, or the state is damaged.</exception>
    public static async Task<FacPower> StartAsync(
        FacSettings settings,
        FacOptions options,
        IPushSender? phones,
        CancellationToken cancellationToken = default
    )
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
            throw new LabFailure(known.Kind, $"authenticator: {known.Message}", failure);
        }
    }

    /// <summary>
    /// Sends the pending pushes of the run before the lab's start to its phones, which are enrolled by now. Returns immediately.
    /// </summary>
    public void Resume() => _server.Resume();

    /// <summary>Stops the emulator, leaves it off for a while of lab time, and starts it from the state on disk.</summary>
    public async Task RestartAsync(TimeSpan off)
    {
        await _one.WaitAsync(_stopping.Token);
        try
        {
            var settings = _server.SettingsAsBound();
            await _server.DisposeAsync();
            if (off > TimeSpan.Zero)
            {
                await WorkTracker.DelayAsync(off, _options.Time, _stopping.Token);
            }
            _server = await BootAsync(settings, _stopping.Token);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Returns the newest events after an id, oldest first.</summary>
    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => _server.Events.After(id, limit);

    /// <summary>Completes as soon as there is an event after an id; continues over restarts.</summary>
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
                // This server is being replaced: continue to wait for an event of the next one.
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
        server.RestartAsked += off => WorkTracker.Run(WorkTracker.Of(_options.Time), () => _restarting = RestartLoggedAsync(off));
        return server;
    }

    private async Task RestartLoggedAsync(TimeSpan off)
    {
        await Task.Yield(); // The requester is the part that is being stopped.
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
