namespace Appliance.Hal;

/// <summary>The parts that one owner has started, which are disposed in reverse order. Not thread-safe.</summary>
public sealed class OwnedStack : IAsyncDisposable
{
    private readonly Stack<object> _parts = new();

    /// <summary>Runs a start, and returns its result, which owns the stack from then on.</summary>
    /// <param name="start">Pushes each part as soon as it has started. If it throws, all pushed parts are disposed.</param>
    public static async Task<T> StartAsync<T>(Func<OwnedStack, Task<T>> start)
    {
        var owned = new OwnedStack();
        try
        {
            return await start(owned).ConfigureAwait(false);
        }
        catch
        {
            await owned.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes ownership of a part, and returns it.</summary>
    /// <param name="part">An <see cref="IAsyncDisposable"/> or <see cref="IDisposable"/>; if both, it is disposed asynchronously.</param>
    public T Push<T>(T part)
        where T : class
    {
        if (part is not (IAsyncDisposable or IDisposable))
        {
            throw new ArgumentException($"{part.GetType()} cannot be disposed", nameof(part));
        }
        _parts.Push(part);
        return part;
    }

    /// <summary>Disposes the parts in reverse order. Further calls do nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out var part))
        {
            if (part is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                ((IDisposable)part).Dispose();
            }
        }
    }
}
