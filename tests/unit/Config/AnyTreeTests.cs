using System.Collections.Immutable;
using Appliance.Firmware.Config;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>Any content of any table of any release: the shown, saved or backed up text reads back as the same.</summary>
public sealed class AnyTreeTests : IDisposable
{
    private const int MoreSeeds = 100;

    private readonly StoreFolder _folder = new();

    public static TheoryData<string> Releases => [.. Personality.All.Select(personality => personality.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Releases))]
    public void ReadsBack(string release)
    {
        var schema = ConfigSchema.Load(Personality.Find(release)!);
        var key = _folder.Key();
        var covered = new HashSet<string>(StringComparer.Ordinal);
        void Check(int seed)
        {
            var any = new AnyTree(schema, new Random(seed));
            var tree = any.Next(seed % 4 + 1);
            lock (covered)
            {
                covered.UnionWith(any.Covered);
            }
            var shown = Text(tree, full: false);
            Assert.Equal(shown, Text(Read(schema, shown), full: false));
            Assert.Equal(shown, Text(Read(schema, Text(tree, full: true)), full: false));
            byte[] saved = [.. ConfigImage.Of(tree, "#a header\n", key).SelectMany(part => part.ToArray())];
            var (booted, ignored) = ConfigReader.Read(
                schema,
                ConfigImage.Verified(saved)!,
                text => key.Unseal(text) is { } secret ? System.Text.Encoding.UTF8.GetString(secret) : null,
                ImmutableDictionary<string, Func<string, bool>>.Empty
            );
            Assert.Empty(ignored);
            Assert.Equal(shown, Text(booted, full: false));
        }
        Gen.Int[0, int.MaxValue - 1].Sample(Check, iter: 15);
        // Continue until each attribute was set once; some need others.
        string[] all = [.. schema.Paths.SelectMany(path => Attributes(schema.Table(path)!))];
        for (var seed = 0; seed < MoreSeeds && all.Except(covered, StringComparer.Ordinal).Any(); seed++)
        {
            Check(seed);
        }
        Assert.Empty(all.Except(covered, StringComparer.Ordinal));
    }

    /// <summary>
    /// A change of one entry finds exactly that entry, regardless of earlier changes. The saved pieces are those of the new table.
    /// </summary>
    [Fact]
    public void ATableIsWhatWasDoneToIt() =>
        Gen.Select(Gen.Int[0, 300], Gen.Int[0, 4])
            .Array[0, 400]
            .Sample(
                steps =>
                {
                    var schema = StoreFolder.Schema.Table("user local")!;
                    var (table, model) = (schema.EmptyTable, new List<(string Key, ConfigObject Entry)>());
                    foreach (var (number, what) in steps)
                    {
                        var (before, key, at) = (table, $"k{number}", model.FindIndex(entry => entry.Key == $"k{number}"));
                        switch (what)
                        {
                            case 0 when at >= 0:
                                table = table.Without(key);
                                model.RemoveAt(at);
                                break;
                            case 1 when at >= 0 && model.Count > 1:
                                var other = model[(at + 1) % model.Count];
                                table = table.Moved(key, other.Key, after: number % 2 == 0);
                                var moved = model[at];
                                model.RemoveAt(at);
                                model.Insert(model.IndexOf(other) + (number % 2 == 0 ? 1 : 0), moved);
                                break;
                            case 2 when at >= 0 && model.All(entry => entry.Key != key + "r"):
                                table = table.Renamed(key, key + "r");
                                model[at] = (key + "r", model[at].Entry);
                                break;
                            default:
                                var entry = schema.EmptyObject.With("email-to", [$"{number}@{model.Count}"]);
                                table = table.With(key, entry);
                                if (at >= 0)
                                {
                                    model[at] = (key, entry);
                                }
                                else
                                {
                                    model.Add((key, entry));
                                }
                                break;
                        }
                        var changes = ConfigTable
                            .Changes(before, table)
                            .Select(change => change.Key)
                            .Order(StringComparer.Ordinal)
                            .ToArray();
                        var expected = before
                            .Keys.Union(table.Keys)
                            .Where(name => !ReferenceEquals(before.Find(name), table.Find(name)))
                            .Order(StringComparer.Ordinal)
                            .ToArray();
                        Assert.Equal(expected, changes);
                    }
                    Assert.Equal(model, table.Entries);
                    Assert.Equal(model.Count, table.Count);
                    Assert.Equal(model.Select(entry => entry.Entry), model.Select(entry => table.Find(entry.Key)));
                },
                iter: 300
            );

    /// <summary>Words of a command: two parsers, one result.</summary>
    [Fact]
    public void ALineIsTakenApartOneWay() =>
        Gen.Char["ab \"'\\\t|\n"]
            .Array[0, 30]
            .Select(chars => new string(chars))
            .Sample(
                text =>
                {
                    var (at, words) = (0, new List<string>());
                    var whole = true;
                    while (whole && at < text.Length)
                    {
                        whole = ConfigWords.Read(text, ref at, words);
                    }
                    var scanned = ConfigWords.Split(text);
                    Assert.Equal(scanned is not null, whole);
                    if (scanned is not null)
                    {
                        Assert.Equal(scanned, words);
                    }
                },
                iter: 20_000
            );

    private static IEnumerable<string> Attributes(TableSchema table) =>
        table
            .Attributes.Where(attribute => !attribute.IsKey)
            .Select(attribute => $"{table.Path} {attribute.Name}")
            .Concat(table.Children.SelectMany(Attributes));

    private static ConfigTree Read(ConfigSchema schema, string text)
    {
        var (tree, ignored) = ConfigReader.Read(
            schema,
            text,
            Uri.UnescapeDataString,
            ImmutableDictionary<string, Func<string, bool>>.Empty
        );
        Assert.Empty(ignored);
        return tree;
    }

    private static string Text(ConfigTree tree, bool full) => new ConfigText(Uri.EscapeDataString, full).Tree(tree).ToString();
}
