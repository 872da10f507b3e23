using Appliance.Firmware.Login.Policy;

namespace Appliance.Firmware.Login;

/// <summary>The pending logins by request id, and their deadlines. Synchronous: the caller serializes.</summary>
/// <param name="codes">The one-time codes, which end with their login.</param>
internal sealed class PendingLogins(OneTimeCodes codes)
{
    /// <summary>The maximum number of pending logins.</summary>
    private const int Most = 200_000;

    private readonly Dictionary<string, PendingLogin> _pending = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(string RequestId, DateTimeOffset At), DateTimeOffset> _deadlines = new();
    private long _lastLoginId;

    /// <summary>The number of pending logins.</summary>
    internal int Count => _pending.Count;

    /// <summary>True at the maximum number of pending logins: a further one is refused.</summary>
    internal bool IsFull => _pending.Count >= Most;

    /// <summary>The pending logins, in no particular order.</summary>
    internal IEnumerable<PendingLogin> All => _pending.Values;

    /// <summary>The time of the next deadline; null if nothing is pending.</summary>
    internal DateTimeOffset? NextDeadline => _deadlines.TryPeek(out _, out var at) ? at : null;

    /// <summary>Returns the journal number of a new login.</summary>
    internal long NextId() => ++_lastLoginId;

    /// <summary>Returns a pending login; null if it has ended.</summary>
    internal PendingLogin? Find(string requestId) => _pending.GetValueOrDefault(requestId);

    /// <summary>Adds a login.</summary>
    internal void Enter(PendingLogin attempt)
    {
        _pending.Add(attempt.RequestId, attempt);
        attempt.IsPending = true;
    }

    /// <summary>Removes a login whose result its caller reports.</summary>
    internal void Leave(PendingLogin attempt)
    {
        _pending.Remove(attempt.RequestId);
        attempt.IsPending = false;
    }

    /// <summary>Sets a further deadline of a login.</summary>
    internal void Remind(PendingLogin attempt, DateTimeOffset at) => _deadlines.Enqueue((attempt.RequestId, at), at);

    /// <summary>Ends a login with its request to a remote server, its one-time code and its push, and answers its waiting client.</summary>
    internal void Close(LoginStep step, PendingLogin attempt, LoginAnswer toWaiter)
    {
        Leave(attempt);
        codes.Forget(attempt.RequestId);
        if (attempt.Question is not null)
        {
            attempt.Question = null;
            step.Abandoned.Add(attempt.RequestId);
        }
        step.Release(attempt, toWaiter);
        if (attempt.Push == PushState.Out)
        {
            step.Cancelled.Add(attempt.Id);
        }
    }

    /// <summary>Ends everything that has expired.</summary>
    internal void LapseAll(LoginStep step, DateTimeOffset now)
    {
        while (_deadlines.TryPeek(out var due, out var at) && at <= now)
        {
            _deadlines.Dequeue();
            if (_pending.TryGetValue(due.RequestId, out var attempt))
            {
                Lapse(step, attempt, now);
            }
        }
    }

    /// <summary>
    /// Ends the parts of a login that have expired, on any access to it. An expiry is final, even if the clock is set back. Returns true if
    /// the login itself ended.
    /// </summary>
    internal bool Lapse(LoginStep step, PendingLogin attempt, DateTimeOffset now)
    {
        if (now >= attempt.Deadline)
        {
            var unanswered = attempt.Question;
            Close(step, attempt, new LoginAnswer.Refused(Refusal.Expired));
            // Expiry is not a wrong guess, so it does not count against the source: a client that has to wait may simply leave.
            if (unanswered is not null)
            {
                LateAnswer(step, attempt, unanswered);
            }
            else if (attempt.Push != PushState.Deciding)
            {
                Late(
                    step,
                    attempt,
                    attempt.Push == PushState.Out && attempt.PushExpires == attempt.Deadline ? DeadlineName.PushLife : attempt.DeadlineName,
                    decides: true
                );
            }
            return true;
        }
        if (attempt.Question is { } question && now >= question.Expires)
        {
            Close(step, attempt, new LoginAnswer.Refused(Refusal.Expired));
            LateAnswer(step, attempt, question);
            return true;
        }
        if (attempt.Push == PushState.Out && now >= attempt.PushExpires)
        {
            attempt.Push = PushState.Over;
            step.Cancelled.Add(attempt.Id);
            Late(step, attempt, DeadlineName.PushLife, decides: false);
            step.Release(attempt, new LoginAnswer.Refused(Refusal.Expired, Retry: true));
        }
        return false;
    }

    private static void Late(LoginStep step, PendingLogin attempt, DeadlineName deadline, bool decides)
    {
        step.Events.Add(LoginEvents.Expired(attempt, deadline));
        var (word, change) = LoginDeadlines.Setting(deadline);
        step.Note(
            attempt.Id,
            new("deadline", $"{word} passed", change) { At = deadline == DeadlineName.PushLife ? attempt.PushExpires : attempt.Deadline },
            decides
        );
    }

    /// <summary>Records that the server, or the phone behind it, took too long.</summary>
    private static void LateAnswer(LoginStep step, PendingLogin attempt, RemoteQuestion question)
    {
        step.Events.Add(LoginEvents.Expired(attempt, question.Deadline, question.Causes));
        if (question.Notices.Any(notice => notice.HasFailed || !question.AsksPhone))
        {
            // More time would not help: these addresses gave no valid answer.
            step.Note(
                attempt.Id,
                new("remote server", $"no valid reply: {question.Causes}", question.Change)
                {
                    Subject = attempt.ServerName,
                    At = question.Expires,
                },
                decides: true
            );
            return;
        }
        var (word, change) = LoginDeadlines.Setting(question.Deadline);
        step.Note(
            attempt.Id,
            question.AsksPhone
                ? new(
                    "deadline",
                    $"{word} passed while the push was pending",
                    question.Deadline == DeadlineName.RemoteAnswer ? change + " 60" : change
                )
                {
                    At = question.Expires,
                }
                : new("deadline", $"{word} passed", change) { At = question.Expires },
            decides: true
        );
    }
}
