using System.Net;
using System.Security.Cryptography;
using Appliance.Firmware.Config;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Firmware.Radius;

/// <summary>The asynchronous shell of <see cref="RadiusClientCore"/>: ports, clock and waiters. Who waits for a server, or for a phone behind it, holds no thread. Thread-safe.</summary>
public sealed class RadiusClient : IConfigSubscriber, IAsyncDisposable
{
    private readonly IReadOnlyList<INic> _nics;
    private readonly TimeProvider _time;
    private readonly RadiusClientCore _core = new(RandomNumberGenerator.Fill);
    private readonly Lock _gate = new();
    private readonly Dictionary<long, TaskCompletionSource<RadiusResult>> _waiting = [];
    private readonly Dictionary<(string Nic, int Port), IDatagramPort> _ports = [];
    private readonly List<Task> _loops = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly ITimer _timer;
    private ConfigTree? _config;

    /// <summary>A client on the unit's interfaces.</summary>
    public RadiusClient(IReadOnlyList<INic> nics, TimeProvider time)
    {
        (_nics, _time) = (nics, time);
        _timer = time.CreateTimer(_ => Decide(_core.Tick), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        Volatile.Write(ref _config, next);
        return null;
    }

    /// <summary>Asks an entry of <c>user radius</c>. <see cref="RadiusResult.NoAnswer"/> when there is none of that name, or nobody answers.</summary>
    public Task<RadiusResult> AskAsync(string server, RadiusQuery query, CancellationToken cancellationToken)
    {
        var config = Volatile.Read(ref _config);
        return config is not null && RadiusSettings.From(config, server) is { } settings ? AskAsync(settings, query, cancellationToken) : Task.FromResult<RadiusResult>(new RadiusResult.NoAnswer());
    }

    /// <summary>Asks by settings of the caller's.</summary>
    public async Task<RadiusResult> AskAsync(RadiusSettings settings, RadiusQuery query, CancellationToken cancellationToken)
    {
        if (NicOf(settings) is not { } nic)
        {
            return new RadiusResult.NoAnswer();
        }
        var waiter = new TaskCompletionSource<RadiusResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        long number = 0;
        Decide(now =>
        {
            var step = _core.Start(query, settings, nic.Name, nic.Addresses[0], now, out number);
            _waiting.Add(number, waiter);
            return step;
        });
        await using var abandoned = cancellationToken.Register(() => Abandon(number, waiter, cancellationToken)).ConfigureAwait(false);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        IDatagramPort[] ports;
        TaskCompletionSource<RadiusResult>[] waiters;
        lock (_gate)
        {
            (ports, waiters) = ([.. _ports.Values], [.. _waiting.Values]);
            _waiting.Clear();
        }
        foreach (var port in ports)
        {
            await port.DisposeAsync().ConfigureAwait(false);
        }
        foreach (var waiter in waiters)
        {
            waiter.TrySetResult(new RadiusResult.NoAnswer());
        }
        await Task.WhenAll(_loops).ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>The interface that has the <c>source-ip</c>, or is named; else the first. Null when what is asked for is not there.</summary>
    private INic? NicOf(RadiusSettings settings) =>
        settings.SourceIp is { } source ? _nics.FirstOrDefault(nic => nic.Addresses.Contains(source))
        : settings.Interface.Length > 0 ? _nics.FirstOrDefault(nic => nic.Name == settings.Interface)
        : _nics[0];

    private void Decide(Func<DateTimeOffset, RadiusClientStep> decide)
    {
        RadiusClientStep step;
        List<(TaskCompletionSource<RadiusResult> Waiter, RadiusResult Result)> finished = [];
        List<(IDatagramPort Port, RadiusSend Send)> sends = [];
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }
            var now = _time.GetUtcNow();
            step = decide(now);
            foreach (var (number, result) in step.Finished)
            {
                if (_waiting.Remove(number, out var waiter))
                {
                    finished.Add((waiter, result));
                }
            }
            foreach (var send in step.Sends)
            {
                if (Port(send) is { } port)
                {
                    sends.Add((port, send));
                }
            }
            if (_core.NextDeadline is { } next)
            {
                _timer.Change(next > now ? next - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
        foreach (var (port, send) in sends)
        {
            _ = SendAsync(port, send);
        }
        foreach (var (waiter, result) in finished)
        {
            waiter.TrySetResult(result);
        }
    }

    private static async Task SendAsync(IDatagramPort port, RadiusSend send)
    {
        try
        {
            await port.SendAsync(send.Packet, send.To).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // Stopping: lost, as datagrams may be.
        }
    }

    /// <summary>The port of a send, opened when it is first needed. Null when none can be had: the datagram is lost, and the question times out.</summary>
    private IDatagramPort? Port(RadiusSend send)
    {
        var key = (send.Nic, send.Port);
        if (_ports.TryGetValue(key, out var known))
        {
            return known;
        }
        try
        {
            var port = _nics.First(nic => nic.Name == send.Nic).OpenDatagrams(0);
            _ports.Add(key, port);
            _loops.Add(ReceiveAsync(port, send.Nic, send.Port));
            return port;
        }
        catch (AddressInUseException)
        {
            return null;
        }
    }

    private async Task ReceiveAsync(IDatagramPort port, string nic, int number)
    {
        await Task.Yield();
        var buffer = new byte[RadiusPacket.LengthMax];
        try
        {
            while (true)
            {
                var (length, from) = await port.ReceiveAsync(buffer, _stopping.Token).ConfigureAwait(false);
                Decide(now => _core.Receive(nic, number, buffer.AsSpan(0, length), from, now));
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or OperationCanceledException)
        {
            // Stopping.
        }
    }

    private void Abandon(long number, TaskCompletionSource<RadiusResult> waiter, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _waiting.Remove(number);
            _core.Abandon(number);
        }
        waiter.TrySetCanceled(cancellationToken);
    }
}
