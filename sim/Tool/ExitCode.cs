using Appliance.Doubles.Failures;
using Appliance.Hal;

namespace Appliance.Tool;

/// <summary>The exit codes of <c>./run</c>; scripts depend on them.</summary>
public static class ExitCode
{
    public const int Ok = 0;
    public const int AssertionFailed = 1;
    public const int Usage = ServiceExit.Usage;
    public const int ConfigurationInvalid = ServiceExit.ConfigurationInvalid;
    public const int Busy = ServiceExit.Busy;
    public const int StateDamaged = ServiceExit.StateDamaged;
    public const int Missing = ServiceExit.Missing;
    public const int TimedOut = 124;

    /// <summary>The exit code of a failure.</summary>
    public static int Of(FailureKind kind) =>
        kind switch
        {
            FailureKind.AssertionFailed => AssertionFailed,
            FailureKind.Usage => Usage,
            FailureKind.ConfigurationInvalid => ConfigurationInvalid,
            FailureKind.Busy => Busy,
            FailureKind.StateDamaged => StateDamaged,
            FailureKind.Missing => Missing,
            FailureKind.TimedOut => TimedOut,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such failure"),
        };

    /// <summary>The kind of failure for the exit code of one of this repository's programs.</summary>
    internal static FailureKind KindOf(int code) =>
        code switch
        {
            Usage => FailureKind.Usage,
            ConfigurationInvalid => FailureKind.ConfigurationInvalid,
            Busy => FailureKind.Busy,
            StateDamaged => FailureKind.StateDamaged,
            Missing => FailureKind.Missing,
            TimedOut => FailureKind.TimedOut,
            _ => FailureKind.AssertionFailed,
        };
}
