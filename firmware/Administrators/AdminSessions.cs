namespace Appliance.Firmware.Administrators;

/// <summary>The session of a logged-in administrator.</summary>
/// <param name="User">The account.</param>
/// <param name="Method">The access method: <c>console</c>, <c>sshv2</c>.</param>
/// <param name="Device">The interface and address that was reached; <c>N/A</c> for the console.</param>
/// <param name="Remote">The client's address; <c>N/A</c> for the console.</param>
/// <param name="Started">The time of the login.</param>
public sealed record AdminSession(string User, string Method, string Device, string Remote, DateTimeOffset Started);

/// <summary>The sessions of logged-in administrators, oldest first. Thread-safe.</summary>
public sealed class AdminSessions
{
    private readonly Lock _lock = new();
    private readonly List<(AdminSession Session, Action End)> _sessions = [];

    /// <summary>Returns the sessions. The index of a session is the argument of <c>execute disconnect-admin-session</c>.</summary>
    public IReadOnlyList<AdminSession> List()
    {
        lock (_lock)
        {
            return [.. _sessions.Select(entry => entry.Session)];
        }
    }

    /// <summary>Adds a session; disposing the result removes it.</summary>
    /// <param name="session">The session.</param>
    /// <param name="end">Ends the session. May be called on any thread, and may wait until the session's current line has been
    /// served.</param>
    public IDisposable Begin(AdminSession session, Action end)
    {
        lock (_lock)
        {
            _sessions.Add((session, end));
        }
        return new Entry(this, session);
    }

    /// <summary>Ends a session; completes when it has ended. Does nothing if it has ended already.</summary>
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
