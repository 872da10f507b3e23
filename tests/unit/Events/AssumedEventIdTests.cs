using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests.Events;

/// <summary>The log ids that no public source documents, which the project assigns itself.</summary>
[Trait("Kind", "Unit")]
public sealed partial class AssumedEventIdTests
{
    [Fact]
    public void Each_assumed_id_belongs_to_one_event()
    {
        var used = new[] { "firmware", "sim" }
            .SelectMany(Repository.SourcesIn)
            .SelectMany(file => Id().Matches(File.ReadAllText(file)).Select(match => (Id: match.Value, File: Path.GetFileName(file))))
            .ToLookup(use => use.Id, use => use.File, StringComparer.Ordinal);
        Assert.NotEmpty(used);
        Assert.All(used, id => Assert.True(id.Count() == 1, $"{id.Key} is used in {string.Join(", ", id)}"));
    }

    [GeneratedRegex("\"0100099[0-9]{3}\"")]
    private static partial Regex Id();
}
