using System.Runtime.Versioning;
using System.Text.Json;
using Appliance.Firmware.Storage;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Appliance.Tests.Storage;

/// <summary>
/// The durability of the unit's state: a write is durable or its failure is reported, and a transaction is complete or has no effect.
/// </summary>
public sealed class StateTransactionTests : IDisposable
{
    private const string Table = "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, first INTEGER, second INTEGER)";
    private const string Insert = "INSERT INTO kept (name, first, second) VALUES ($0,$1,$2)";
    private static readonly StateLog Log = new("entries_log");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-state-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_transaction_that_fails_is_reported_and_leaves_nothing_of_itself()
    {
        await using (var state = Open())
        {
            await state.CommitAsync(Kept("before"));
            var error = await Assert.ThrowsAsync<IOException>(async () =>
                await state.CommitAsync(Kept("good"), Kept("twice"), Kept("twice"))
            );
            Assert.StartsWith("the state could not be written: ", error.Message, StringComparison.Ordinal);
            await state.CommitAsync(Kept("after"));
            Assert.Equal(2, state.Commits);
        }
        Assert.Equal(["after", "before"], await NamesAsync());
    }

    [Fact]
    public async Task Log_entries_of_a_failed_transaction_are_not_written_with_the_next_one()
    {
        await using (var state = Open())
        {
            await Assert.ThrowsAsync<IOException>(async () =>
                await state.CommitAsync(StateWrite.To(Log, "lost", 1, 2), Kept("twice"), Kept("twice"))
            );
            await state.CommitAsync(StateWrite.To(Log, "kept", 3, 4));
        }
        Assert.Equal(["""[["kept",3,4]]"""], await RowsAsync());
    }

    [Fact]
    public async Task Everyone_whose_writes_share_a_failed_transaction_is_told_that_it_failed()
    {
        await using var state = Open();
        using var held = new HeldWriter(state);
        var good = state.CommitAsync(Kept("good")).AsTask();
        var bad = state.CommitAsync(Kept("twice"), Kept("twice")).AsTask();
        var other = state.CommitAsync(Kept("other")).AsTask();
        held.Release();
        foreach (var each in new[] { good, bad, other })
        {
            await Assert.ThrowsAsync<IOException>(() => each);
        }
        await state.CommitAsync(Kept("good"));
    }

    [Fact]
    public async Task A_state_that_another_process_holds_fails_the_commit_and_serves_the_next_one()
    {
        await using var state = Open();
        await using (var other = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            await other.OpenAsync(TestContext.Current.CancellationToken);
            await using var begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            await begin.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await Assert.ThrowsAsync<IOException>(async () => await state.CommitAsync(Kept("early")));
        }
        await state.CommitAsync(Kept("later"));
        Assert.Equal(1, state.Commits);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void A_file_that_is_no_database_is_refused_and_left_as_it_is(int at)
    {
        var garbage = new byte[8192];
        new Random(7).NextBytes(garbage);
        "SQLite format 3\0"u8.CopyTo(garbage.AsSpan(at));
        System.IO.File.WriteAllBytes(File, garbage);
        var error = Assert.Throws<StateDamagedException>(() => Open());
        Assert.StartsWith("state.db cannot be opened: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(garbage, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public async Task A_database_with_a_broken_page_is_refused()
    {
        await using (var state = Open())
        {
            await state.CommitAsync([.. Enumerable.Range(0, 2000).Select(number => Kept($"{number} {new string('x', 60)}"))]);
        }
        await using (var file = System.IO.File.OpenWrite(File))
        {
            // The head and the schema are sound: only a check of every page finds the damage.
            file.Position = 4096 * 9;
            file.Write(new byte[4096]);
        }
        Assert.Throws<StateDamagedException>(() => Open());
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task The_file_is_the_owners_alone_whatever_it_was_before()
    {
        await Open().DisposeAsync();
        System.IO.File.SetUnixFileMode(
            File,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead
        );
        await Open().DisposeAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
    }

    /// <summary>Without FULL, a commit in WAL mode may be lost when the power fails.</summary>
    [Fact]
    public async Task A_commit_is_on_the_disk_before_it_is_reported()
    {
        await using var state = Open();
        Assert.Equal(2, state.Read("PRAGMA synchronous", row => row.GetInt32(0)).Single());
        Assert.Equal("wal", state.Read("PRAGMA journal_mode", row => row.GetString(0)).Single());
        Assert.Equal(4000, state.Read("PRAGMA wal_autocheckpoint", row => row.GetInt32(0)).Single());
    }

    [Fact]
    public async Task A_commit_after_the_end_fails_and_so_does_an_event()
    {
        var state = Open();
        await state.CommitAsync(Kept("before"));
        await state.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(async () => await state.CommitAsync(Kept("after")));
        Assert.False(state.Post(Kept("after")));
        Assert.False(state.Post(new Entry(1, "after")));
        Assert.Equal(["before"], await NamesAsync());
    }

    [Fact]
    public async Task What_is_queued_at_the_end_is_written_before_it()
    {
        var state = Open();
        using var held = new HeldWriter(state);
        Assert.True(state.Post(Kept("posted")));
        var committed = state.CommitAsync(Kept("committed"));
        var ended = state.DisposeAsync();
        Assert.False(ended.IsCompleted);
        held.Release();
        await committed;
        await ended;
        Assert.Equal(["committed", "posted"], await NamesAsync());
    }

    [Fact]
    public async Task The_queue_holds_65536_writes_and_refuses_the_next_one()
    {
        await using var state = Open();
        using var held = new HeldWriter(state);
        for (var number = 0; number < 65_536; number++)
        {
            Assert.True(state.Post(new Entry(number, "")));
        }
        Assert.False(state.Post(new Entry(65_536, "")));
        await Assert.ThrowsAsync<IOException>(async () => await state.CommitAsync(Kept("too many")));
        held.Release();
        await EndToEnd.Until.TrueAsync(() => state.Commits == 1 + (65_536 / 512), "the queue written, 512 to a transaction");
        await state.CommitAsync(Kept("now there is room"));
    }

    [Fact]
    public async Task Entries_of_one_transaction_share_a_row_under_the_key_of_the_last()
    {
        await using (var state = Open())
        {
            using var held = new HeldWriter(state);
            for (var key = 5; key < 8; key++)
            {
                Assert.True(state.Post(new Entry(key, $"entry {key}")));
            }
            held.Release();
            await EndToEnd.Until.TrueAsync(() => state.Commits == 2, "both transactions");
            Assert.True(state.Post(new Entry(8, "alone")));
        }
        Assert.Equal(["""[["held"]]""", """[["entry 5"],["entry 6"],["entry 7"]]""", """[["alone"]]"""], await RowsAsync());
        await using var again = Open();
        Assert.Equal([1, 7, 8], again.Read("SELECT id FROM entries_log ORDER BY id", row => row.GetInt64(0)));
    }

    /// <summary>An entry learns of the one before it in its own row only: each row can be read alone.</summary>
    [Fact]
    public async Task The_first_entry_of_a_row_follows_none()
    {
        await using var state = Open();
        using var held = new HeldWriter(state);
        Entry[] entries = [new(5, "a"), new(6, "b"), new(7, "c")];
        Assert.True(state.Post(entries[0]) && state.Post(entries[1]));
        held.Release();
        await EndToEnd.Until.TrueAsync(() => state.Commits == 2, "both transactions");
        Assert.True(state.Post(entries[2]));
        await EndToEnd.Until.TrueAsync(() => state.Commits == 3, "the third transaction");
        Assert.Equal([null, entries[0], null], entries.Select(entry => entry.Before));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(512)]
    [InlineData(513)]
    public async Task All_who_wait_for_one_transaction_are_told(int waiting)
    {
        await using var state = Open();
        using var held = new HeldWriter(state);
        var commits = Enumerable.Range(0, waiting).Select(number => state.CommitAsync(Kept($"{number}")).AsTask()).ToList();
        held.Release();
        await Task.WhenAll(commits);
        Assert.Equal(1 + ((waiting + 511) / 512), state.Commits);
    }

    [Fact]
    public async Task Every_kind_of_value_comes_back_as_it_was()
    {
        var text = new string('ä', 3000) + "\u20ac\ud83d\ude00";
        await using (var state = Open())
        {
            await state.CommitAsync(
                new StateWrite(Insert, "long", long.MinValue, null),
                new StateWrite(Insert, text, 1, (short)-2),
                new StateWrite(Insert, "small", (byte)255, true),
                new StateWrite(Insert, "bytes", new byte[] { 0, 1, 255 }, false)
            );
            await state.CommitAsync(StateWrite.ForEach(Insert, [("row one", 1, 2), ("row two", 3, 4)]));
        }
        await using var again = Open();
        Assert.Equal(
            [
                ("bytes", "0001FF", "0"),
                ("long", $"{long.MinValue}", ""),
                ("row one", "1", "2"),
                ("row two", "3", "4"),
                ("small", "255", "1"),
                (text, "1", "-2"),
            ],
            again.Read(
                "SELECT name, CASE typeof(first) WHEN 'blob' THEN hex(first) ELSE first END, second FROM kept ORDER BY name",
                row => (row.GetString(0), row.GetString(1), row.IsDBNull(2) ? "" : row.GetString(2))
            )
        );
    }

    [Fact]
    public async Task One_that_forgets_takes_everything_and_keeps_nothing()
    {
        await using var state = StateDatabase.OpenForgetful();
        await state.CommitAsync(Kept("any"));
        Assert.True(state.Post(Kept("any")) && state.Post(new Entry(1, "any")));
        Assert.Empty(state.Read("SELECT name FROM kept", row => row.GetString(0)));
        Assert.Equal(0, state.Commits);
    }

    [Fact]
    public async Task Nothing_to_write_is_no_transaction()
    {
        await using var state = Open();
        await state.CommitAsync();
        Assert.Equal(0, state.Commits);
    }

    private string File => Path.Combine(_folder.FullName, "state.db");

    private static StateWrite Kept(string name) => new(Insert, name, 1, 2);

    private StateDatabase Open() => StateDatabase.Open(File, [Table, Log.Table]);

    private async Task<List<string>> NamesAsync()
    {
        await using var state = Open();
        return state.Read("SELECT name FROM kept ORDER BY name", row => row.GetString(0));
    }

    private async Task<List<string>> RowsAsync()
    {
        await using var state = Open();
        return state.Read("SELECT entries FROM entries_log ORDER BY id", row => row.GetString(0));
    }

    private sealed class Entry(long key, string text) : IStateEntry
    {
        public IStateEntry? Before { get; private set; }

        public StateLog Log => StateTransactionTests.Log;

        public long Key => key;

        public void Write(Utf8JsonWriter json, IStateEntry? before)
        {
            Before = before;
            json.WriteStartArray();
            json.WriteStringValue(text);
            json.WriteEndArray();
        }
    }

    /// <summary>Holds the writer's thread inside a separate transaction, so that later writes share the next one.</summary>
    private sealed class HeldWriter : IStateEntry, IDisposable
    {
        private readonly ManualResetEventSlim _reached = new();
        private readonly ManualResetEventSlim _released = new();

        public HeldWriter(StateDatabase state)
        {
            Assert.True(state.Post(this));
            Assert.True(_reached.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken), "the writer did not begin");
        }

        public StateLog Log => StateTransactionTests.Log;

        public long Key => 1;

        public void Release() => _released.Set();

        public void Write(Utf8JsonWriter json, IStateEntry? before)
        {
            _reached.Set();
            _released.Wait();
            json.WriteStartArray();
            json.WriteStringValue("held");
            json.WriteEndArray();
        }

        public void Dispose() => Release();
    }
}
