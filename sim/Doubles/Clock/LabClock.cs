using Appliance.Firmware.Events;

namespace Appliance.Doubles.Clock;

/// <summary>
/// The lab's only clock: wall time, frozen, or scaled, and advanced on request. Time stamps and timers follow it. It never runs backwards
/// by itself, neither in the process nor over a restart, even after a kill. A setback of the wall clock is absorbed until the operator
/// returns to it (<see cref="SetRate"/>).
/// </summary>
public sealed partial class LabClock : TimeProvider, ISteppedClock, IDisposable
{
    /// <summary>The latest time of any clock, which leaves room for every deadline of the appliance before the calendar ends.</summary>
    public static readonly DateTimeOffset Latest = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The wall time by which the file is ahead in xN mode; a kill costs at most this much, times N.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The real time that one advance waits at most for work that does not end, such as an e-mail to a server that hangs.
    /// </summary>
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The number of timers that one moment may start in succession. More than that is a timer that restarts itself repeatedly.
    /// </summary>
    private const int RoundsMax = 1000;

    /// <summary>The smallest difference between wall clock and elapsed time that counts as a set wall clock.</summary>
    private static readonly TimeSpan StepMin = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Lock _advanceGate = new();
    private readonly TimeProvider _wall;
    private readonly string? _file;
    private readonly ITimer _pump;
    private ClockRate _rate;
    private long _offset;
    private long _anchor;
    private long _anchorStamp;
    private long _last;

    /// <summary>The part of the offset that absorbs setbacks of the wall clock.</summary>
    private long _absorbed;

    /// <summary>The wall clock and the time stamp that were last read together, in real mode.</summary>
    private (long Wall, long Stamp) _seen;

    /// <summary>The time of a stopped clock; negative while it runs. Read without the gate.</summary>
    private long _stoppedAt = -1;
    private long _lease;
    private bool _disposing;

    /// <summary>True while work that an advance waited for in vain continues; later advances do not wait for it again.</summary>
    private bool _hangs;

    /// <summary>True while an advance fires the due timers in order; the pump fires none then.</summary>
    private bool _advancing;

    private LabClock(string? file, ClockRate rate, long start, long absorbed, TimeProvider wall)
    {
        _absorbed = absorbed;
        _file = file;
        _wall = wall;
        _last = start;
        using (ExecutionContext.SuppressFlow())
        {
            _pump = wall.CreateTimer(static clock => ((LabClock)clock!).Pump(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        lock (_gate)
        {
            AnchorLocked(rate, start);
            SaveLocked();
        }
    }

    /// <summary>Real time, for waits of the tool itself (a client's long poll, a benchmark).</summary>
    public static TimeProvider Wall => System;

    /// <summary>
    /// Opens the clock of a state folder; without a file, nothing is saved. A null <paramref name="rate"/> takes the saved mode,
    /// or real in a fresh state. Between runs, real time passes; frozen and xN time does not.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static LabClock Open(string? file, ClockRate? rate = null, TimeProvider? wall = null)
    {
        wall ??= System;
        var now = wall.GetUtcNow().UtcTicks;
        if (file is null || ClockState.Load(file) is not { } saved)
        {
            return new LabClock(file, rate ?? ClockRate.Real, now, 0, wall);
        }
        var savedRate = ClockRate.Parse(saved.Mode)!.Value;
        var start = savedRate.Mode == ClockMode.Real ? Math.Max(now + saved.Offset, saved.Position) : saved.Position;
        var setBack = savedRate.Mode == ClockMode.Real ? start - (now + saved.Offset) : 0;
        return new LabClock(file, rate ?? savedRate, Math.Min(start, Latest.Ticks), saved.Absorbed + setBack, wall)
        {
            SetBackWhileClosed = setBack > StepMin.Ticks ? TimeSpan.FromTicks(setBack) : TimeSpan.Zero,
        };
    }

    /// <summary>
    /// Raised after the wall clock was set, with the size of the step, negative for back. Lab time continues over a step back and follows a
    /// step forward. Raised on the thread pool, after the next read of the time detected the step.
    /// </summary>
    public event Action<TimeSpan>? WallStepped;

    /// <summary>The amount by which the wall clock was set back while this clock was closed; zero if it was not.</summary>
    public TimeSpan SetBackWhileClosed { get; private init; }

    /// <inheritdoc/>
    public WorkTracker Work { get; } = new();

    public ClockRate Rate
    {
        get
        {
            lock (_gate)
            {
                return _rate;
            }
        }
    }

    /// <summary>The difference between lab time and wall time now; positive if lab time is ahead.</summary>
    public TimeSpan Offset
    {
        get
        {
            lock (_gate)
            {
                return TimeSpan.FromTicks(NowLocked() - _wall.GetUtcNow().UtcTicks);
            }
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(GetTimestamp(), TimeSpan.Zero);

    public override long GetTimestamp()
    {
        if (Volatile.Read(ref _stoppedAt) is >= 0 and var stopped)
        {
            return stopped;
        }
        lock (_gate)
        {
            return NowLocked();
        }
    }

    /// <summary>
    /// Changes the rate; time continues from now without a jump. Real mode is the exception: it removes what setbacks of the wall clock had
    /// added, so time may run backwards here, and timers keep the time left to them. Returns the amount by which lab time went back.
    /// </summary>
    /// <exception cref="IOException">The state cannot be saved; nothing changed.</exception>
    public TimeSpan SetRate(ClockRate rate)
    {
        lock (_gate)
        {
            var back = rate.Mode == ClockMode.Real ? _absorbed : 0;
            var next = NowLocked() - back;
            SaveLocked(rate, next, next - _wall.GetUtcNow().UtcTicks, _absorbed - back);
            _absorbed -= back;
            _timers.Shift(-back);
            AnchorLocked(rate, next);
            ScheduleLocked();
            return TimeSpan.FromTicks(back);
        }
    }

    /// <summary>
    /// Advances time. Timers fire in the order of their due times, and each sees its due time as the time. Work in progress, and work that
    /// a timer caused, ends before time advances further, if that takes no more than <see cref="SettleMax"/> in all. Returns when all
    /// timers have fired. One that re-arms itself immediately runs only after that, so that this call always returns. Must not be called by
    /// a piece of <see cref="Work"/>, which would wait for itself.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The target is in the past, or beyond <see cref="Latest"/>.</exception>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        lock (_advanceGate)
        {
            long target;
            long finalOffset;
            lock (_gate)
            {
                var now = NowLocked();
                ArgumentOutOfRangeException.ThrowIfGreaterThan(by.Ticks, Latest.Ticks - now, nameof(by));
                target = now + by.Ticks;
                finalOffset = _offset + by.Ticks;
                // Saved before the first timer fires: the writes of a timer must not be in the future of a restart.
                SaveLocked(_rate, target, finalOffset, _absorbed);
                _advancing = true;
            }
            try
            {
                RunUntil(target);
            }
            finally
            {
                lock (_gate)
                {
                    _advancing = false;
                    JumpLocked(target);
                    _offset = Math.Max(_offset, finalOffset);
                    ScheduleLocked();
                }
            }
        }
    }

    /// <summary>Saves the exact position for the next start. The clock is frozen afterwards unless it is in real mode.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposing = true;
            _ = NowLocked();
            SaveLocked();
            if (_rate.Mode == ClockMode.Scaled)
            {
                AnchorLocked(ClockRate.Frozen, _last);
            }
            _timers.Clear();
        }
        _pump.Dispose();
    }

    private void RunUntil(long target)
    {
        var patience = SettleMax;
        Settle(ref patience);
        var (step, rounds) = (long.MinValue, 0);
        while (TakeStep(target, ref step, ref rounds) is { Count: > 0 } due)
        {
            due.ForEach(timer => timer.Run());
            Settle(ref patience);
        }
    }

    /// <summary>Waits in real time until no work is in progress; gives up when the patience of this advance is exhausted.</summary>
    private void Settle(ref TimeSpan patience)
    {
        // If work runs one piece at a time, its runner (a scenario's) does this.
        if (Work.OneByOne)
        {
            return;
        }
        var quiet = Work.QuietAsync();
        if (!quiet.IsCompleted && !_hangs && patience > TimeSpan.Zero)
        {
            var began = Wall.GetTimestamp();
            quiet.Wait(patience);
            patience -= Wall.GetElapsedTime(began);
        }
        _hangs = !quiet.IsCompleted;
    }

    private long NowLocked()
    {
        var now = _rate.Mode switch
        {
            ClockMode.Real => ReadWallLocked() + _offset,
            ClockMode.Frozen => _anchor,
            _ => _anchor + _wall.GetElapsedTime(_anchorStamp).Ticks * _rate.Factor,
        };
        if (now < _last)
        {
            // The wall clock was set back by less than a step.
            _offset += _last - now;
            _absorbed += _last - now;
            now = _last;
        }
        _last = now;
        if (_rate.Mode == ClockMode.Scaled && now > _lease)
        {
            SaveLocked();
        }
        return now;
    }

    /// <summary>Reads the wall clock. If it was set back, the offset absorbs that.</summary>
    private long ReadWallLocked()
    {
        var (wall, stamp) = (_wall.GetUtcNow().UtcTicks, _wall.GetTimestamp());
        var step = wall - _seen.Wall - _wall.GetElapsedTime(_seen.Stamp, stamp).Ticks;
        _seen = (wall, stamp);
        if (Math.Abs(step) <= StepMin.Ticks)
        {
            return wall;
        }
        ThreadPool.UnsafeQueueUserWorkItem(
            static told => told.Clock.WallStepped?.Invoke(told.Step),
            (Clock: this, Step: TimeSpan.FromTicks(step)),
            preferLocal: false
        );
        if (step < 0)
        {
            _offset -= step;
            _absorbed -= step;
            _last = Math.Max(_last, wall + _offset);
            SaveLocked();
        }
        return wall;
    }

    private void AnchorLocked(ClockRate rate, long now)
    {
        _rate = rate;
        _anchor = now;
        _anchorStamp = _wall.GetTimestamp();
        _seen = (_wall.GetUtcNow().UtcTicks, _anchorStamp);
        _offset = now - _seen.Wall;
        _last = now;
        NoteStopLocked();
    }

    private void NoteStopLocked() => Volatile.Write(ref _stoppedAt, _rate.Mode == ClockMode.Frozen ? _anchor : -1);

    private void JumpLocked(long target)
    {
        var now = NowLocked();
        if (target > now)
        {
            _offset += target - now;
            _anchor += target - now;
            _last = target;
            NoteStopLocked();
        }
    }

    private void SaveLocked() => SaveLocked(_rate, _last, _offset, _absorbed);

    private void SaveLocked(ClockRate rate, long position, long offset, long absorbed)
    {
        if (_file is null)
        {
            _lease = long.MaxValue;
            return;
        }
        var ahead = rate.Mode == ClockMode.Scaled && !_disposing ? Lease.Ticks * rate.Factor : 0;
        new ClockState(rate.ToString(), position + ahead, offset, absorbed).Save(_file);
        _lease = position + ahead;
    }
}
