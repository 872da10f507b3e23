using Appliance.Firmware;
using Appliance.Firmware.Commands;

namespace Appliance.Lab.Units;

/// <summary>
/// What the power button is to a box: runs a unit, and obeys <c>execute reboot</c> (a clean stop, then another unit from the same state) and
/// <c>execute shutdown</c>. All else of the lab stays up meanwhile.
/// </summary>
internal sealed class UnitPower : IAsyncDisposable
{
    private readonly UnitOptions _options;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private Unit? _unit;

    private UnitPower(UnitOptions options) => _options = options;

    /// <summary>The unit that runs.</summary>
    public Unit Unit => _unit ?? throw new InvalidOperationException("no unit runs");

    /// <summary>Raised before the unit stops, on the thread that asked for it: when this returns nobody is served by it any more.</summary>
    public event Action? GoingDown;

    /// <summary>Raised when the next unit is up.</summary>
    public event Action<Unit>? Up;

    /// <summary>Raised when no unit runs and none will: null after a shutdown, else why the next one did not start.</summary>
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
        // Not on the thread of the command: it has an answer to give first.
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
            // Whoever runs the lab is told, and ends it.
            Off?.Invoke(failure);
        }
        finally
        {
            _changing.Release();
        }
    }
}
