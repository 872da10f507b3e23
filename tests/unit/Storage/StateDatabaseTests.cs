using Appliance.Firmware.Storage;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Storage;

/// <summary>The state database: the state after a failed transaction, and refused writes.</summary>
public sealed class StateDatabaseTests : IDisposable
{
    private const string Table = "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY)";
    private const string Add = "INSERT INTO note (name) VALUES ($0)";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-state-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_failed_transaction_is_reported_and_rolled_back_whole()
    {
        await using (var state = Open())
        {
            await state.CommitAsync(new StateWrite(Add, "first"));
            await Assert.ThrowsAsync<IOException>(() =>
                state.CommitAsync(new StateWrite(Add, "second"), new StateWrite(Add, "first")).AsTask()
            );
            await state.CommitAsync(new StateWrite(Add, "third"));
        }
        Assert.Equal(["first", "third"], await NamesAsync());
    }

    [Fact]
    public async Task A_commit_after_close_fails()
    {
        var state = Open();
        await state.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => state.CommitAsync(new StateWrite(Add, "late")).AsTask());
        Assert.False(state.Post(new StateWrite(Add, "late")));
    }

    /// <summary>2 is FULL: the log is synchronized at every commit, not only at checkpoints.</summary>
    [Fact]
    public async Task Every_commit_is_synchronized()
    {
        await using var state = Open();
        Assert.Equal(2, Assert.Single(state.Read("PRAGMA synchronous", row => row.GetInt64(0))));
        Assert.Equal("wal", Assert.Single(state.Read("PRAGMA journal_mode", row => row.GetString(0))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public async Task A_damaged_database_is_refused(int at)
    {
        await using (var state = Open())
        {
            for (var number = 0; number < 1000; number++)
            {
                state.Post(new StateWrite(Add, $"note {number} {new string('x', 100)}"));
            }
        }
        using (var file = new FileStream(File, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Seek(at, SeekOrigin.Begin);
            file.Write(new byte[2048]);
        }
        Assert.Throws<StateDamagedException>(Open);
    }

    [Fact]
    public async Task While_the_disk_fails_waiting_callers_are_told_and_posted_writes_are_repeated_until_they_are_durable()
    {
        var faults = new List<bool>();
        await using (var state = Open())
        {
            state.FaultChanged += fault =>
            {
                lock (faults)
                {
                    faults.Add(fault is not null);
                }
            };
            using (new BrokenDisk(File))
            {
                Assert.True(state.Post(new StateWrite(Add, "posted before")));
                await Assert.ThrowsAsync<IOException>(() => state.CommitAsync(new StateWrite(Add, "waited for")).AsTask());
                Assert.NotNull(state.Fault);
                Assert.True(state.Post(new StateWrite(Add, "posted after")));
                await Assert.ThrowsAsync<IOException>(() => state.CommitAsync(new StateWrite(Add, "waited for")).AsTask());
            }
            await Until.TrueAsync(() => state.Fault is null, "the end of the fault");
            await state.CommitAsync(new StateWrite(Add, "at last"));
        }
        Assert.Equal(["posted before", "posted after", "at last"], await NamesAsync());
        Assert.Equal([true, false], faults);
    }

    [Fact]
    public async Task Closing_writes_what_a_failing_disk_had_refused()
    {
        await using (var state = Open())
        {
            using (new BrokenDisk(File))
            {
                state.Post(new StateWrite(Add, "kept"));
                await Assert.ThrowsAsync<IOException>(() => state.CommitAsync(new StateWrite(Add, "refused")).AsTask());
            }
        }
        Assert.Equal(["kept"], await NamesAsync());
    }

    /// <summary>A statement that can never succeed must not hold up everything after it.</summary>
    [Fact]
    public async Task A_posted_write_that_is_wrong_in_itself_is_not_repeated()
    {
        await using (var state = Open())
        {
            await state.CommitAsync(new StateWrite(Add, "first"));
            state.Post(new StateWrite(Add, "first"));
            await Until.TrueAsync(
                async () =>
                {
                    try
                    {
                        await state.CommitAsync(new StateWrite(Add, "second"));
                        return true;
                    }
                    catch (IOException)
                    {
                        return false; // It shared the transaction of the failed one.
                    }
                },
                "a commit after the wrong write"
            );
            Assert.Null(state.Fault);
        }
        Assert.Equal(["first", "second"], await NamesAsync());
    }

    private string File => Path.Combine(_folder.FullName, "state.db");

    private StateDatabase Open() => StateDatabase.Open(File, [Table]);

    private async Task<List<string>> NamesAsync()
    {
        await using var state = Open();
        return state.Read("SELECT name FROM note ORDER BY rowid", row => row.GetString(0));
    }
}
