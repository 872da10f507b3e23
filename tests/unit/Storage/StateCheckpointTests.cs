using Appliance.Firmware.Storage;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Storage;

public sealed class StateCheckpointTests
{
    private const int Entries = 6000;
    private static readonly StateLog Log = new("entries_log");

    /// <summary>The text of an entry, long enough for a separate page.</summary>
    private static readonly string Text = new('x', 4096);

    /// <summary>Committed writes go into the database while it is open, its log stays bounded, and nothing is missing afterwards.</summary>
    [Fact]
    public async Task TheLogIsBroughtInBesideTheWriter()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-state-");
        try
        {
            var file = Path.Combine(folder.FullName, "state.db");
            long longest = 0;
            await using (var state = StateDatabase.Open(file, [Log.Table]))
            {
                var small = new FileInfo(file).Length;
                for (var number = 0; number < Entries; number++)
                {
                    await state.CommitAsync(StateWrite.To(Log, Text, number, number));
                    longest = Math.Max(longest, new FileInfo(file + "-wal").Length);
                }
                await Until.TrueAsync(
                    () => new FileInfo(file).Length > small + (Entries / 2 * Text.Length),
                    "the database holding most of what was committed"
                );
            }
            // 4,000 pages, and the pages of one transaction.
            Assert.InRange(longest, 1, 4200 * 4120L);
            await using var again = StateDatabase.Open(file, [Log.Table]);
            Assert.Equal(Entries, again.Read("SELECT count(*) FROM entries_log", row => row.GetInt32(0)).Single());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A small commit counts as two pages, and a thousand pages are brought in: at the 500th commit, not before.</summary>
    [Fact]
    public async Task The_log_is_brought_in_at_the_five_hundredth_small_commit()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-state-");
        try
        {
            var file = Path.Combine(folder.FullName, "state.db");
            await using var state = StateDatabase.Open(file, [Log.Table]);
            var untouched = new FileInfo(file).Length;
            for (var number = 1; number < 500; number++)
            {
                await state.CommitAsync(StateWrite.To(Log, "small", number, number));
            }
            Assert.Equal(untouched, new FileInfo(file).Length);
            await state.CommitAsync(StateWrite.To(Log, "small", 500, 500));
            await Until.TrueAsync(() => new FileInfo(file).Length > untouched, "the checkpoint after the 500th commit");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
