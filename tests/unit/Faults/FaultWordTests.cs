using Appliance.Doubles.Faults;
using Xunit;

namespace Appliance.Tests.Faults;

/// <summary>The rows of the fault words, and the page that lists them.</summary>
public sealed class FaultWordTests
{
    public static TheoryData<string, FaultDomain[]> Tables =>
        new()
        {
            { "push faults", [FaultDomain.Push] },
            { "phone faults", [FaultDomain.Phone] },
            { "other faults", [FaultDomain.Interface, FaultDomain.Radius, FaultDomain.Clock] },
        };

    [Fact]
    public void Every_word_is_listed_once()
    {
        Assert.Equal(FaultWord.All.Count, FaultWord.All.Select(word => word.Name).Distinct().Count());
        var rows = typeof(FaultWord).GetFields().Where(field => field.IsStatic).Select(field => (FaultWord)field.GetValue(null)!).ToArray();
        Assert.NotEmpty(rows);
        Assert.Empty(rows.Except(FaultWord.All));
    }

    /// <summary>A scheduled fault has no other opportunity, because its timer is the only part that fires it.</summary>
    [Fact]
    public void A_scheduled_word_has_no_other_opportunity() =>
        Assert.All(
            FaultWord.All.Where(word => word.At.HasFlag(FaultPoint.Schedule)),
            word => Assert.Equal(FaultPoint.Schedule, word.At)
        );

    [Theory]
    [MemberData(nameof(Tables))]
    public void The_page_lists_every_word_with_its_fields_and_effect(string table, FaultDomain[] domains) =>
        DocRows.AssertSame(
            "docs/use/faults.md",
            table,
            "| word | additional fields | effect |",
            domains.SelectMany(domain =>
                FaultWord
                    .All.Where(word => word.Domain == domain)
                    .Select(word => (string[])[$"`{word.Name}`", string.Join(", ", word.Options.Select(Option)), word.Help])
            )
        );

    private static string Option(FaultOption option) =>
        $"`{option.Field}`{(option.IsRequired ? " (required)" : "")}{(option.Default.Length > 0 ? $" ({option.Default})" : "")}";
}
