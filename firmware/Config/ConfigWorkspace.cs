using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// An administrator's view of the configuration. Commits take effect immediately or, inside a transaction, when the transaction is
/// committed. Thread-safe.
/// </summary>
/// <param name="store">The configuration.</param>
/// <param name="say">Shows an unsolicited message to the administrator (a transaction is about to expire). Called on any thread.</param>
public sealed class ConfigWorkspace(ConfigStore store, Action<string> say) : IDisposable
{
    private static readonly TimeSpan[] Warnings = [TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(10)];

    /// <summary>Tables that a transaction may not change; <see cref="FixedAttributes"/> has the single attributes.</summary>
    private static readonly string[] FixedTables = ["system console"];
    private static readonly (string Path, string[] Attributes)[] FixedAttributes =
    [
        ("system global", ["split-port", "vdom-admin", "vdom-mode", "management-vdom", "wireless-mode", "internal-switch-mode"]),
        ("system settings", ["opmode"]),
    ];

    private readonly Lock _lock = new();
    private ConfigTree? _candidate;
    private TimeSpan _idleMax;
    private DateTimeOffset _expires;
    private ITimer? _timer;
    private bool _expired;

    /// <summary>Returns the administrator of the workspace, with the current rights.</summary>
    public Func<ConfigAuthor> Author { get; init; } = () => ConfigAuthor.AttachedConsole;

    /// <summary>The number of the open transaction; 0 for none.</summary>
    public int Transaction { get; private set; }

    /// <summary>The tree as the administrator sees it, including the changes of the open transaction.</summary>
    public ConfigTree Current
    {
        get
        {
            lock (_lock)
            {
                return _candidate ?? store.Current;
            }
        }
    }

    /// <summary>
    /// Changes the configuration, or the transaction's copy of it. Returns null on success; an error means that nothing changed.
    /// </summary>
    public ConfigError? Commit(Func<ConfigTree, ConfigTree> change)
    {
        lock (_lock)
        {
            return _candidate is null ? store.Commit(change, Author(), this) : Stage(change);
        }
    }

    /// <summary>Starts a transaction that is dropped when it is idle for this long.</summary>
    public ConfigError? Start(TimeSpan idleMax)
    {
        lock (_lock)
        {
            if (_candidate is not null)
            {
                return new ConfigError(-1, $"config transaction id={Transaction} is already started");
            }
            Transaction = store.WithLocks(locks => ++locks.Newest);
            (_candidate, _idleMax, _expired) = (store.Current, idleMax, false);
            _timer = store.Time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Wind();
            return null;
        }
    }

    /// <summary>Puts all changes of the transaction in force, as one commit. On an error the transaction stays open.</summary>
    public ConfigError? CommitTransaction()
    {
        lock (_lock)
        {
            if (_candidate is not { } candidate)
            {
                return None;
            }
            var touched = store.WithLocks(locks => locks.Of(this).ToArray());
            var error = store.Commit(tree => Merge(tree, candidate, touched), Author(), this);
            if (error is null)
            {
                Close();
            }
            return error;
        }
    }

    /// <summary>Drops the transaction and its changes.</summary>
    public ConfigError? AbortTransaction()
    {
        lock (_lock)
        {
            if (_candidate is null)
            {
                return None;
            }
            Close();
            return null;
        }
    }

    /// <summary>
    /// Restarts the idle timer of an open transaction. Returns true if a transaction has expired since the previous call, so that open
    /// edit levels are void.
    /// </summary>
    public bool Touch()
    {
        lock (_lock)
        {
            if (_candidate is not null)
            {
                Wind();
            }
            var expired = _expired;
            _expired = false;
            return expired;
        }
    }

    /// <summary>Ends the workspace and drops its open transaction.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_candidate is not null)
            {
                Close();
            }
        }
    }

    private static ConfigError None => new(-1, "no config transaction is started");

    private ConfigError? Stage(Func<ConfigTree, ConfigTree> change)
    {
        var before = _candidate!;
        var after = store.WithConsequences(before, change(before));
        if (ReferenceEquals(before, after))
        {
            return null;
        }
        if (Fixed(before, after) is { } name)
        {
            return new ConfigError(-1, $"{name} cannot be changed in a config transaction");
        }
        var error = store.WithLocks(locks =>
        {
            var wrong = locks.Conflict(before, after, this) ?? store.Validate(new ConfigChange(before, after, Author()));
            if (wrong is null)
            {
                locks.Hold(this, before, after);
            }
            return wrong;
        });
        if (error is null)
        {
            _candidate = after;
        }
        return error;
    }

    private static string? Fixed(ConfigTree before, ConfigTree after)
    {
        foreach (var table in ConfigTree.Changed(before, after))
        {
            if (FixedTables.Contains(table.Path))
            {
                return table.Path;
            }
            foreach (var (path, attributes) in FixedAttributes)
            {
                if (
                    path == table.Path
                    && attributes.FirstOrDefault(name =>
                        table.Attribute(name) is not null
                        && !before.Object(path).Words(name).AsSpan().SequenceEqual(after.Object(path).Words(name).AsSpan())
                    )
                        is { } attribute
                )
                {
                    return $"{path} {attribute}";
                }
            }
        }
        return null;
    }

    /// <summary>
    /// Returns the tree in force with the transaction's objects; its locks kept other sessions from changing them in the meantime.
    /// </summary>
    private static ConfigTree Merge(ConfigTree tree, ConfigTree candidate, IReadOnlyList<ConfigLocks.Touched> touched)
    {
        foreach (var (path, key) in touched)
        {
            if (key is null)
            {
                tree = tree.Schema.Table(path)!.IsList ? tree.With(path, candidate.List(path)) : tree.With(path, candidate.Object(path));
            }
            else
            {
                var list = tree.List(path);
                tree = tree.With(path, candidate.List(path).Find(key) is { } entry ? list.With(key, entry) : list.Without(key));
            }
        }
        return tree;
    }

    private void Wind()
    {
        _expires = store.Time.GetUtcNow() + _idleMax;
        SetTimer(_idleMax);
    }

    private void SetTimer(TimeSpan left) =>
        _timer!.Change(left - Warnings.FirstOrDefault(warning => warning < left), Timeout.InfiniteTimeSpan);

    private void Tick()
    {
        string text;
        lock (_lock)
        {
            if (_candidate is null)
            {
                return;
            }
            var left = _expires - store.Time.GetUtcNow();
            var number = Transaction;
            if (left <= TimeSpan.Zero)
            {
                Close();
                _expired = true;
                text = string.Create(CultureInfo.InvariantCulture, $"config transaction id={number} has expired\n");
            }
            else
            {
                SetTimer(left);
                if (left > Warnings[0])
                {
                    return; // The session was active while the timer fired.
                }
                text = string.Create(
                    CultureInfo.InvariantCulture,
                    $"config transaction id={number} will expire in {(int)Math.Ceiling(left.TotalSeconds)} seconds\n"
                );
            }
        }
        say(text);
    }

    private void Close()
    {
        store.WithLocks(locks =>
        {
            locks.Release(this);
            return 0;
        });
        _timer?.Dispose();
        (_timer, _candidate, Transaction) = (null, null, 0);
    }
}
