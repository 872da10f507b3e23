namespace Appliance.Firmware.Administrators;

/// <summary>One administrator that is logged in.</summary>
/// <param name="User">The account.</param>
/// <param name="Method">The access method: <c>console</c>, <c>sshv2</c>.</param>
/// <param name="Device">The interface and address that was reached; <c>N/A</c> for the console.</param>
/// <param name="Remote">The client's address; <c>N/A</c> for the console.</param>
/// <param name="Started">The time of the login.</param>
public sealed record AdminSession(string User, string Method, string Device, string Remote, DateTimeOffset Started);

/// <summary>The administrators that are logged in, oldest first. Thread-safe.</summary>
public sealed class AdminSessions
{
    private readonly Lock _lock = new();
    private readonly List<(AdminSession Session, Action End)> _sessions = [];

    /// <summary>The sessions; the index of one is what <c>execute disconnect-admin-session</c> takes.</summary>
    public IReadOnlyList<AdminSession> List()
    {
        lock (_lock)
        {
            return [.. _sessions.Select(entry => entry.Session)];
        }
    }

    /// <summary>Adds a session until the result is disposed.</summary>
    /// <param name="session">The session.</param>
    /// <param name="end">Ends it; may wait for a line that it serves. On any thread.</param>
    public IDisposable Begin(AdminSession session, Action end)
    {
        lock (_lock)
        {
            _sessions.Add((session, end));
        }
        return new Entry(this, session);
    }

    /// <summary>Ends a session; completes when it has ended. Nothing when it has ended meanwhile.</summary>
    public Task EndAsync(AdminSession session)
    {
        Action? end;
        lock (_lock)
        {
            end = _sessions.Find(entry => ReferenceEquals(entry.Session, session)).End;
        }
        // Never on the caller's thread: two sessions that end each other would wait for each other's lines.
        return end is null ? Task.CompletedTask : Task.Run(end);
    }

    private sealed class Entry(AdminSessions sessions, AdminSession session) : IDisposable
    {
        public void Dispose()
        {
            lock (sessions._lock)
            {
                sessions._sessions.RemoveAll(entry => ReferenceEquals(entry.Session, session));
            }
        }
    }
}
