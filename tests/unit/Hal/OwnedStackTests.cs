using Appliance.Hal;
using Xunit;

namespace Appliance.Tests.Hal;

/// <summary>The ownership of started parts.</summary>
public sealed class OwnedStackTests
{
    private readonly List<string> _ended = [];

    [Fact]
    public async Task Parts_are_disposed_in_reverse_order_and_only_once()
    {
        var owned = new OwnedStack();
        owned.Push(new Synchronous(this));
        owned.Push(new Asynchronous(this));
        owned.Push(new Both(this));

        await owned.DisposeAsync();
        await owned.DisposeAsync();

        Assert.Equal(["both, asynchronously", "asynchronous", "synchronous"], _ended);
    }

    [Fact]
    public async Task A_start_that_fails_disposes_what_was_started()
    {
        var failure = new IOException("the port is in use");

        var thrown = await Assert.ThrowsAsync<IOException>(() =>
            OwnedStack.StartAsync<object>(async owned =>
            {
                owned.Push(new Synchronous(this));
                await Task.Yield();
                owned.Push(new Asynchronous(this));
                throw failure;
            })
        );

        Assert.Same(failure, thrown);
        Assert.Equal(["asynchronous", "synchronous"], _ended);
    }

    [Fact]
    public async Task A_start_that_succeeds_keeps_its_parts()
    {
        var (owned, part) = await OwnedStack.StartAsync(owned => Task.FromResult((owned, owned.Push(new Asynchronous(this)))));

        Assert.Empty(_ended);
        await owned.DisposeAsync();
        Assert.Equal(["asynchronous"], _ended);
        Assert.NotNull(part);
    }

    [Fact]
    public void A_part_that_cannot_be_disposed_is_refused() => Assert.Throws<ArgumentException>(() => new OwnedStack().Push(new object()));

    private sealed class Synchronous(OwnedStackTests test) : IDisposable
    {
        public void Dispose() => test._ended.Add("synchronous");
    }

    private sealed class Asynchronous(OwnedStackTests test) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            test._ended.Add("asynchronous");
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Both(OwnedStackTests test) : IAsyncDisposable, IDisposable
    {
        public void Dispose() => test._ended.Add("both, synchronously");

        public ValueTask DisposeAsync()
        {
            test._ended.Add("both, asynchronously");
            return ValueTask.CompletedTask;
        }
    }
}
