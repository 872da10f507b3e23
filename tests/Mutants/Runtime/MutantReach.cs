using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Reflection;
using Xunit.v3;

[assembly: Appliance.Tests.MutantReach]

namespace Appliance.Tests;

/// <summary>
/// Records for each test the defects that it reaches and its duration; added by scripts/mutants to the copy that it builds. A line of the
/// file that
/// APPLIANCE_MUTANT_REACH_LOG names is "class.method, milliseconds, ids", separated by tabs. Defects reached since the previous test, as
/// by the
/// constructor or a fixture, are a line of "class.*".
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class MutantReachAttribute : BeforeAfterTestAttribute
{
    private static readonly string? Log = Environment.GetEnvironmentVariable("APPLIANCE_MUTANT_REACH_LOG");
    private static readonly MemoryMappedViewAccessor? Reached = Log is null ? null : Open();
    private static long _begun;

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        Note(test.TestCase.TestClassName + ".*", 0);
        _begun = Environment.TickCount64;
    }

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test) =>
        Note($"{test.TestCase.TestClassName}.{test.TestCase.TestMethodName}", Environment.TickCount64 - _begun);

    private static void Note(string test, long milliseconds)
    {
        if (Reached is null)
        {
            return;
        }
        var ids = new List<int>();
        for (var id = 0; id < Reached.Capacity; id++)
        {
            if (Reached.ReadByte(id) != 0)
            {
                ids.Add(id);
                Reached.Write(id, (byte)0);
            }
        }
        File.AppendAllText(Log!, string.Create(CultureInfo.InvariantCulture, $"{test}\t{milliseconds}\t{string.Join(',', ids)}\n"));
    }

    private static MemoryMappedViewAccessor Open() =>
        MemoryMappedFile
            .CreateFromFile(
                new FileStream(
                    Environment.GetEnvironmentVariable("APPLIANCE_MUTANT_REACH")!,
                    FileMode.Open,
                    FileAccess.ReadWrite,
                    FileShare.ReadWrite
                ),
                null,
                0,
                MemoryMappedFileAccess.ReadWrite,
                HandleInheritability.None,
                leaveOpen: false
            )
            .CreateViewAccessor();
}
