namespace Appliance.Tests.Mutants;

/// <summary>One defect that can be put into the product's source: the replacement of a span of a file.</summary>
/// <param name="File">Path below the root.</param>
/// <param name="Start">First character of the span.</param>
/// <param name="Length">Its length.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Member">The type and member around it.</param>
/// <param name="Original">The text that changes, on one line.</param>
/// <param name="Defective">What it becomes, on one line.</param>
/// <param name="Template">The text that replaces the span; "{0}" is the switch, an expression of type bool.</param>
internal sealed record Defect(
    string File,
    int Start,
    int Length,
    int Line,
    string Member,
    string Original,
    string Defective,
    string Template
)
{
    /// <summary>The part of the product it is in: a folder of the scope.</summary>
    public string Area { get; init; } = "";

    /// <summary>The text with the switch in place.</summary>
    public string Text(int id) => Template.Replace("{0}", $"global::Appliance.Hal.Mutant.Is({id})", StringComparison.Ordinal);

    /// <summary>The identity of the defect while other lines of the file change.</summary>
    public string Name => $"{File} {Member}: {Original}  ->  {Defective}";

    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line} {Member}: {Original}  ->  {Defective}";
}

/// <summary>A defect that changes nothing that can be observed, and why: a row of equivalent.json.</summary>
internal sealed record Equivalent(string File, string Member, string Original, string Defective, string Reason)
{
    public bool Is(Defect defect) =>
        defect.File == File && defect.Member == Member && defect.Original == Original && defect.Defective == Defective;
}
