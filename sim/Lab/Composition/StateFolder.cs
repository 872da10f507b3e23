using Appliance.Doubles.Failures;
using Appliance.Firmware.Storage;

namespace Appliance.Lab.Composition;

/// <summary>A state folder in use: one running appliance at a time, also after a kill (the system drops the lock).</summary>
internal sealed class StateFolder : IDisposable
{
    private readonly FileStream _lock;

    private StateFolder(string path, FileStream locked) => (Path, _lock) = (path, locked);

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>
    /// Opens a folder and creates it if it does not exist. From then on the folder and its contents are accessible to the owner only.
    /// </summary>
    /// <exception cref="LabFailure">Another appliance runs there, or the folder cannot be used.</exception>
    public static StateFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            OwnerOnly.Enforce(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.StateDamaged, $"state folder {path}: {e.Message}", e);
        }
        try
        {
            return new(path, OwnerOnly.OpenAlone(System.IO.Path.Combine(path, "lock")));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LabFailure(FailureKind.StateDamaged, $"state folder {path}: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new LabFailure(
                FailureKind.Busy,
                $"state folder {path} is in use by another running appliance (choose another with --state)",
                e
            );
        }
    }

    public void Dispose() => _lock.Dispose();
}
