namespace Appliance.Sim.Lab;

/// <summary>A state folder in use: one running appliance at a time, also after a kill (the system drops the lock).</summary>
internal sealed class StateFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly FileStream _lock;

    private StateFolder(string path, FileStream locked) => (Path, _lock) = (path, locked);

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <exception cref="LabFailure">Another appliance runs there, or the folder cannot be used.</exception>
    public static StateFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.StateDamaged, $"state folder {path}: {e.Message}", e);
        }
        try
        {
            return new(path, new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LabFailure(ExitCode.StateDamaged, $"state folder {path}: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new LabFailure(ExitCode.Busy, $"state folder {path} is in use by another running appliance (choose another with --state)", e);
        }
    }

    public void Dispose() => _lock.Dispose();
}
