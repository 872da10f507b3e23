using Appliance.Firmware;
using Appliance.Firmware.Commands;

namespace Appliance.Lab.Units;

/// <summary>
/// Runs a unit and handles <c>execute reboot</c> (a clean stop, then another unit from the same state) and <c>execute shutdown</c>. The
/// rest of the lab keeps running.
/// </summary>
internal sealed class UnitPower : IAsyncDisposable
{
    private readonly UnitOptions _options;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private Unit? _unit;

    private UnitPower(UnitOptions options) => _options = options;

    /// <summary>The running unit.</summary>
    public Unit Unit => _unit ?? throw new InvalidOperationException("no unit runs");

    /// <summary>Raised before the unit stops, on the requesting thread. After it returns the unit serves no client.</summary>
    public event Action? GoingDown;

    /// <summary>Raised when the next unit has started.</summary>
    public event Action<Unit>? Up;

    /// <summary>Raised when no unit runs and none will start: null after a shutdown, else the cause.</summary>
    public event Action<Exception?>? Off;

    /// <summary>Starts the first unit.</summary>
    public static async Task<UnitPower> StartAsync(UnitOptions options, CancellationToken cancellationToken)
    {
        var power = new UnitPower(options);
        await power.BootAsync(cancellationToken);
        return power;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _changing.WaitAsync();
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task BootAsync(CancellationToken cancellationToken)
    {
        _unit = await Firmware.Unit.StartAsync(_options, cancellationToken);
        _unit.PowerRequested += Obey;
    }

    private async Task StopAsync()
    {
        if (_unit is { } unit)
        {
            _unit = null;
            await unit.DisposeAsync();
        }
    }

    private void Obey(PowerRequest request)
    {
        GoingDown?.Invoke();
        // Not on the thread of the command, which has to reply first.
        _ = Task.Run(() => ChangeAsync(request));
    }

    private async Task ChangeAsync(PowerRequest request)
    {
        await _changing.WaitAsync();
        try
        {
            await StopAsync();
            if (request == PowerRequest.Shutdown)
            {
                Off?.Invoke(null);
            }
            else if (!_stopping.IsCancellationRequested)
            {
                await BootAsync(_stopping.Token);
                Up?.Invoke(Unit);
            }
        }
        catch (Exception failure)
        {
            // The owner of the lab ends it on this event.
            Off?.Invoke(failure);
        }
        finally
        {
            _changing.Release();
        }
    }
}
