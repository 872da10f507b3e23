using System.Text;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;

namespace Appliance.Lab.Page;

/// <summary>One named part of the page's state, and its current value as JSON.</summary>
internal delegate void PageParts(ILabUnit? unit, Action<string, string> part);

/// <summary>
/// The state that pages see: named parts, logins and events, as a snapshot and then as numbered changes. While a page is connected, it
/// reads the lab a few times a second and compares. No part of the lab refers to the page or has to notify it. Thread-safe.
/// </summary>
internal sealed class PageState(LabClock clock, PageParts parts, LabWire? wire = null)
{
    /// <summary>The number of logins that a page receives.</summary>
    internal const int LoginsMax = 100;

    /// <summary>The number of events in a snapshot; older ones are at <c>/lab/events</c>.</summary>
    internal const int FirstEvents = 1000;

    /// <summary>The number of events of a snapshot in one frame, so that a slow page holds one frame.</summary>
    private const int EventsAtOnce = 25;
    private const int MessagesAtOnce = 10;
    private const int LoginsAtOnce = 10;

    /// <summary>The number of events that the unit keeps in memory.</summary>
    private const int EventsMax = 10_000;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly PageFrames _frames = new();
    private readonly Dictionary<string, string> _current = [];
    private readonly Lock _dirtyLock = new();
    private HashSet<long> _dirty = [];
    private string _epoch = NewEpoch();
    private long _event = -1;
    private long _message;
    private ILabUnit? _unit;
    private LoginJournal? _journal;
    private int _watchers;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _looking;
    private (DateTimeOffset Now, long Stamp, ClockRate Rate) _clockSeen;

    /// <summary>Connects the state to a unit that has started.</summary>
    public void Attach(ILabUnit unit)
    {
        lock (_lock)
        {
            _unit = unit;
            if (!ReferenceEquals(_journal, unit.Logins))
            {
                // Login ids begin at 1 again.
                _journal?.Noted -= Remember;
                _journal = unit.Logins;
                _journal.Noted += Remember;
                StartOverLocked();
            }
        }
    }

    /// <summary>Disconnects the state from the unit.</summary>
    public void Detach()
    {
        lock (_lock)
        {
            _unit = null;
        }
    }

    /// <summary>Compares until it is disposed.</summary>
    public IDisposable Watch()
    {
        lock (_lock)
        {
            if (_watchers++ == 0)
            {
                _looking = LabClock.Wall.CreateTimer(_ => Look(), null, Between, Between);
            }
        }
        return new Watching(this);
    }

    /// <summary>
    /// Returns the frames that a page lacks that is at <paramref name="seq"/> of <paramref name="epoch"/> and has events up to an id.
    /// </summary>
    public PageCatchUp CatchUp(string? epoch, long seq, long lastEvent)
    {
        lock (_lock)
        {
            if (epoch is null && _watchers == 1)
            {
                StartOverLocked(); // No page is connected, so changes of the meantime need no frame.
            }
            if (epoch != _epoch)
            {
                LookLocked();
            }
            return epoch == _epoch && _frames.Reaches(seq)
                ? new PageCatchUp(_epoch, _frames.After(seq) is { } next ? [next] : [], Whole: false)
                : new PageCatchUp(_epoch, WholeLocked(lastEvent), Whole: true);
        }
    }

    /// <summary>Completes when there is a frame after a number, or the clock jumped.</summary>
    public Task ChangedAfter(string epoch, long seq)
    {
        lock (_lock)
        {
            return epoch != _epoch || _frames.Seq > seq ? Task.CompletedTask : _changed.Task;
        }
    }

    private static string NewEpoch() => Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));

    private void Look()
    {
        // A comparison that takes longer than the interval must not queue further ones.
        if (!_lock.TryEnter())
        {
            return;
        }
        try
        {
            LookLocked();
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void LookLocked()
    {
        var body = new PageBody();
        var seen = new HashSet<string>();
        parts(
            _unit,
            (key, json) =>
            {
                seen.Add(key);
                if (!_current.TryGetValue(key, out var known) || known != json)
                {
                    _current[key] = json;
                    body.Set(key, json);
                }
            }
        );
        foreach (var gone in _current.Keys.Where(key => !seen.Contains(key)).ToArray())
        {
            _current.Remove(gone);
            body.Set(gone, "null");
        }
        AddLogins(body);
        foreach (var message in wire?.After(_message) ?? [])
        {
            body.Message(Text(message));
            _message = message.Id;
        }
        AddEvents(body);
        if (!body.IsEmpty || ClockJumped())
        {
            _frames.Add(body.ToString(), _event);
            var changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }
    }

    private void AddLogins(PageBody body)
    {
        HashSet<long> dirty;
        lock (_dirtyLock)
        {
            (dirty, _dirty) = (_dirty, []);
        }
        // Only the newest messages are sent; the others have arrived and been discarded between two comparisons.
        foreach (var id in dirty.Order().TakeLast(LoginsMax))
        {
            if (_journal?.Find(id) is { } login)
            {
                body.Login(JsonSerializer.Serialize(LoginJson.Of(login, whole: true), LabJson.Default.LoginJson));
            }
        }
    }

    private void AddEvents(PageBody body)
    {
        if (_unit is null)
        {
            return;
        }
        if (_event < 0)
        {
            // A page that connects gets the earlier ones in its snapshot.
            _event = _unit.EventsAfter(0, EventsMax) is [.., { Id: var newest }] ? newest : 0;
            return;
        }
        foreach (var record in _unit.EventsAfter(_event, EventsMax))
        {
            body.Event(Text(record));
            _event = record.Id;
        }
    }

    /// <summary>Returns true if the lab's time differs from the time that a page computes by itself.</summary>
    private bool ClockJumped()
    {
        var (now, stamp, rate) = (clock.GetUtcNow(), LabClock.Wall.GetTimestamp(), clock.Rate);
        var factor = _clockSeen.Rate.Mode == ClockMode.Frozen ? 0 : _clockSeen.Rate.Factor;
        var expected = _clockSeen.Now + (LabClock.Wall.GetElapsedTime(_clockSeen.Stamp, stamp) * factor);
        var jumped = rate != _clockSeen.Rate || (now - expected).Duration() > ClockTolerance * Math.Max(1, factor);
        _clockSeen = (now, stamp, rate);
        return jumped;
    }

    /// <summary>Returns the whole state. The parts are read here, and the rest while the frames are enumerated, without the lock.</summary>
    private IEnumerable<PageFrame> WholeLocked(long lastEvent)
    {
        var parts = new PageBody();
        foreach (var (key, json) in _current)
        {
            parts.Set(key, json);
        }
        return Whole(Encoding.UTF8.GetBytes(parts.ToString()), _journal, _unit, _frames.Seq, lastEvent, _event, _message);
    }

    private IEnumerable<PageFrame> Whole(
        byte[] parts,
        LoginJournal? journal,
        ILabUnit? unit,
        long seq,
        long knownEvent,
        long newestEvent,
        long newestMessage
    )
    {
        // No frame before the last one has its number, so a page that reconnects in between gets a snapshot again.
        static PageFrame Frame(byte[] body, long lastEvent) => new(body, -1, lastEvent);
        var first = knownEvent < 0 ? Math.Max(0, newestEvent - FirstEvents) : knownEvent;
        yield return Frame(parts, knownEvent);
        foreach (var some in (journal?.Newest(LoginsMax) ?? []).Reverse().Chunk(LoginsAtOnce))
        {
            yield return Frame(
                Body(
                    some,
                    (body, login) => body.Login(JsonSerializer.Serialize(LoginJson.Of(login, whole: true), LabJson.Default.LoginJson))
                ),
                knownEvent
            );
        }
        for (
            var message = 0L;
            (wire?.After(message) ?? []).Where(next => next.Id <= newestMessage).Take(MessagesAtOnce).ToArray()
                is [.., { Id: var last }] some;
            message = last
        )
        {
            yield return Frame(Body(some, (body, next) => body.Message(Text(next))), knownEvent);
        }
        for (
            var at = first;
            (unit?.EventsAfter(at, EventsAtOnce) ?? []).Where(record => record.Id <= newestEvent).ToArray() is [.., { Id: var last }] some;

        )
        {
            at = last;
            yield return Frame(Body(some, (body, record) => body.Event(Text(record))), at);
        }
        yield return new PageFrame(Encoding.UTF8.GetBytes(new PageBody().ToString()), seq, newestEvent);
    }

    private static byte[] Body<T>(IEnumerable<T> some, Action<PageBody, T> add)
    {
        var body = new PageBody();
        foreach (var one in some)
        {
            add(body, one);
        }
        return Encoding.UTF8.GetBytes(body.ToString());
    }

    private static string Text(LabMessage message) =>
        JsonSerializer.Serialize(PageMessageJson.Of(message), PageJson.Default.PageMessageJson);

    private static string Text(EventRecord record) => JsonSerializer.Serialize(EventJson.Of(record), LabJson.Default.EventJson);

    private void Remember(LoginJournalStep step)
    {
        lock (_dirtyLock)
        {
            // Without a connected page the set must not grow. The journal discards those logins, too.
            if (_dirty.Count > LoginJournal.LoginsMax)
            {
                _dirty = [.. _dirty.Order().TakeLast(LoginsMax)];
            }
            _dirty.Add(step.LoginId);
        }
    }

    private void StartOverLocked()
    {
        _epoch = NewEpoch();
        _frames.Clear();
        _current.Clear();
        _event = -1;
        _message = 0;
        lock (_dirtyLock)
        {
            _dirty = [];
        }
        _changed.TrySetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (--_watchers == 0)
            {
                _looking?.Dispose();
                _looking = null;
            }
        }
    }

    private sealed class Watching(PageState state) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                state.Leave();
            }
        }
    }
}
