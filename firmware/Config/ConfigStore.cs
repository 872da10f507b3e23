using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>
/// The configuration in force: one immutable tree, swapped by commits, saved as one text file with its revisions. Thread-safe.
/// </summary>
public sealed partial class ConfigStore
{
    private readonly Lock _lock = new();
    private readonly ConfigFiles _files;
    private readonly DeviceKey _key;
    private readonly string _firstConfiguration;
    private readonly FirstLoad? _firstLoad;
    private readonly ConfigTree? _factory;
    private readonly List<IConfigSubscriber> _subscribers = [];
    private readonly List<Func<ConfigChange, ConfigError?>> _rules;
    private readonly List<Func<ConfigTree, ConfigTree, ConfigTree>> _consequences = [];
    private readonly ConfigLocks _locks = new();
    private volatile ConfigTree _current;
    private volatile ConfigTree _saved;

    private ConfigStore(
        ConfigFiles files,
        DeviceKey key,
        (string Text, FirstLoad? Load) first,
        IReadOnlyDictionary<string, Func<string, bool>> checks,
        TimeProvider time,
        ConfigTree tree
    )
    {
        _files = files;
        _key = key;
        _firstConfiguration = first.Text;
        _firstLoad = first.Load;
        Checks = checks;
        Time = time;
        _current = tree;
        _saved = tree;
        _rules = [.. first.Load?.Rules ?? []];
        _factory = first.Load?.FactoryObjects(tree.Schema);
    }

    /// <summary>The tree in force.</summary>
    public ConfigTree Current => _current;

    /// <summary>True while the tree in force differs from the saved one (<c>set cfg-save manual</c> or <c>revert</c>).</summary>
    public bool HasUnsaved => !ReferenceEquals(_current, _saved);

    /// <summary>Not null if the newest file was damaged and an earlier revision was booted.</summary>
    public string? BootWarning { get; private init; }

    /// <summary>
    /// The lines of the booted file that this version does not support, and that therefore have no effect; the next save drops them.
    /// </summary>
    public IReadOnlyList<IgnoredLine> Ignored { get; private init; } = [];

    /// <summary>True if there was no saved configuration and the first one was loaded.</summary>
    public bool IsFirst { get; private init; }

    /// <summary>The disk time of the newest save, from the first write to the last sync.</summary>
    public TimeSpan LastWrite { get; private set; }

    /// <summary>
    /// Raised when a commit is in force (and durable, unless saving is manual). Raised under the commit lock, so handlers must be quick.
    /// </summary>
    public event Action<ConfigChange>? Committed;

    /// <summary>Raised when the configuration in force was saved, or is the saved one again. Raised under the commit lock.</summary>
    public event Action? Saved;

    /// <summary>
    /// Opens the store on a file. If there is none, starts from <paramref name="firstConfiguration"/> and saves it. If the file is
    /// damaged, boots its newest intact revision (in the folder <c>revisions</c> beside it).
    /// </summary>
    /// <param name="schema">The tables.</param>
    /// <param name="file">The file; created if there is none.</param>
    /// <param name="key">Encrypts the secrets in the file.</param>
    /// <param name="firstConfiguration">The configuration of a new unit, restored by a factory reset.</param>
    /// <param name="checks">
    /// Checks of single values that the schema cannot express, by <c>table attribute</c> (<c>user fortitoken seed</c>).
    /// </param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="load">
    /// The way in which the first configuration is read; null for strict, without rules and without additional objects.
    /// </param>
    /// <exception cref="FormatException">
    /// The first configuration has an error or is rejected; the message names the error or the reason. Nothing was written.
    /// </exception>
    /// <exception cref="InvalidDataException">Neither the file nor any revision is intact.</exception>
    public static ConfigStore Open(
        ConfigSchema schema,
        string file,
        DeviceKey key,
        string firstConfiguration,
        IReadOnlyDictionary<string, Func<string, bool>>? checks = null,
        TimeProvider? time = null,
        FirstLoad? load = null
    ) =>
        Open(
            schema,
            new FileDisk(Path.GetDirectoryName(Path.GetFullPath(file))!),
            Path.GetFileName(file),
            key,
            firstConfiguration,
            checks,
            time,
            load
        );

    /// <summary>Adds a rule across tables that every commit must meet.</summary>
    public void AddRule(Func<ConfigTree, ConfigError?> rule) => AddRule((ConfigChange change) => rule(change.Next));

    /// <summary>Adds a rule about permitted changes and their authors.</summary>
    public void AddRule(Func<ConfigChange, ConfigError?> rule)
    {
        lock (_lock)
        {
            _rules.Add(rule);
        }
    }

    /// <summary>
    /// Adds a consequence: from the tree before a change and the changed tree it computes the tree to store in the same commit. It must
    /// be quick and deterministic.
    /// </summary>
    public void AddConsequence(Func<ConfigTree, ConfigTree, ConfigTree> consequence)
    {
        lock (_lock)
        {
            _consequences.Add(consequence);
        }
    }

    /// <summary>
    /// Adds to a list table, for <c>get</c>, the attributes that are state and not configuration. Set once, before the first console.
    /// </summary>
    public Func<ConfigTable, ConfigTable> Live { get; set; } = table => table;

    /// <summary>
    /// Adds a service that follows the configuration, and immediately applies the current tree to it (from an empty one). Later commits
    /// apply in the order of subscription.
    /// </summary>
    public ConfigError? Subscribe(IConfigSubscriber subscriber)
    {
        lock (_lock)
        {
            var empty = new ConfigTree(_current.Schema);
            if (subscriber.Apply(empty, _current) is { } error)
            {
                return error;
            }
            _subscribers.Add(subscriber);
            subscriber.InForce(empty, _current);
            return null;
        }
    }

    /// <summary>
    /// Computes the next tree, validates all of it, applies it to every subscriber (undone on failure), saves it durably and swaps it in.
    /// Returns null on success; an error means that nothing changed. A change that returns the same tree does nothing.
    /// </summary>
    /// <param name="change">Creates the next tree from the one in force.</param>
    /// <param name="author">The author of the change; null for the attached console.</param>
    public ConfigError? Commit(Func<ConfigTree, ConfigTree> change, ConfigAuthor? author = null) =>
        Commit(change, author ?? ConfigAuthor.AttachedConsole, null);

    /// <summary>Saves the configuration in force, if it is not saved yet. Returns null if it is on disk.</summary>
    public ConfigError? SaveNow(ConfigAuthor? author = null)
    {
        lock (_lock)
        {
            return !HasUnsaved ? null : TrySave(() => Save(_current, author ?? ConfigAuthor.AttachedConsole, ""));
        }
    }

    /// <summary>Puts the saved configuration in force again, without a restart. Returns null on success.</summary>
    /// <param name="due">Called under the commit lock, just before the change; returns false to leave everything unchanged.</param>
    public ConfigError? Revert(Func<bool>? due = null)
    {
        lock (_lock)
        {
            var error =
                !HasUnsaved || due?.Invoke() == false
                    ? null
                    : PutInForce(new ConfigChange(_current, _saved, ConfigAuthor.AttachedConsole), saves: false);
            if (!HasUnsaved)
            {
                Saved?.Invoke();
            }
            return error;
        }
    }

    /// <summary>Checks of single values, by <c>table attribute</c>.</summary>
    internal IReadOnlyDictionary<string, Func<string, bool>> Checks { get; }

    /// <summary>The clock of revisions and transactions.</summary>
    internal TimeProvider Time { get; }

    /// <summary>Opens the store on a disk.</summary>
    internal static ConfigStore Open(
        ConfigSchema schema,
        IDisk disk,
        string file,
        DeviceKey key,
        string firstConfiguration,
        IReadOnlyDictionary<string, Func<string, bool>>? checks,
        TimeProvider? time,
        FirstLoad? load = null
    )
    {
        checks ??= ImmutableDictionary<string, Func<string, bool>>.Empty;
        time ??= TimeProvider.System;
        var files = new ConfigFiles(disk, file);
        if (files.Load(out var warning) is { } text)
        {
            var source = new ConfigSource(schema, sealedText => Unseal(key, sealedText), checks) { Factory = load?.FactoryObjects(schema) };
            var (tree, ignored) = ConfigReader.Read(source, text, new());
            return new ConfigStore(files, key, (firstConfiguration, load), checks, time, tree) { Ignored = ignored, BootWarning = warning };
        }
        var first = ReadFirst(new ConfigSource(schema, sealedText => Unseal(key, sealedText), checks), firstConfiguration, load);
        if (first.Refusal is { } refusal)
        {
            throw new FormatException(refusal);
        }
        var fresh = new ConfigStore(files, key, (firstConfiguration, load), checks, time, first.Tree)
        {
            Ignored = first.Ignored,
            IsFirst = true,
        };
        fresh.Save(first.Tree, ConfigAuthor.AttachedConsole, "");
        return fresh;
    }

    /// <summary>Commits a change from an administrator's workspace (null for none).</summary>
    internal ConfigError? Commit(Func<ConfigTree, ConfigTree> change, ConfigAuthor author, ConfigWorkspace? owner) =>
        Commit(change, author, owner, "", isRestored: false);

    private ConfigError? Commit(
        Func<ConfigTree, ConfigTree> change,
        ConfigAuthor author,
        ConfigWorkspace? owner,
        string comment,
        bool isRestored
    )
    {
        lock (_lock)
        {
            var next = WithConsequences(_current, change(_current));
            if (ReferenceEquals(next, _current))
            {
                return null;
            }
            var whole = new ConfigChange(_current, next, author) { IsRestored = isRestored };
            return _locks.Conflict(_current, next, owner)
                ?? Validate(whole)
                ?? PutInForce(whole, SavesAtOnce(_current) || SavesAtOnce(next), comment);
        }
    }

    /// <summary>Returns a changed tree with its consequences applied.</summary>
    internal ConfigTree WithConsequences(ConfigTree previous, ConfigTree next)
    {
        lock (_lock)
        {
            return ReferenceEquals(previous, next)
                ? next
                : _consequences.Aggregate(next, (tree, consequence) => consequence(previous, tree));
        }
    }

    /// <summary>Runs a function under the commit lock, with the locks of the open transactions.</summary>
    internal T WithLocks<T>(Func<ConfigLocks, T> work)
    {
        lock (_lock)
        {
            return work(_locks);
        }
    }

    /// <summary>Returns the error if a change breaks a reference or rule, otherwise null.</summary>
    internal ConfigError? Validate(ConfigChange change)
    {
        if (ConfigReferences.NewlyBroken(change.Previous, change.Next) is { } broken)
        {
            return new ConfigError(-3, $"entry not found in datasource: {broken}");
        }
        lock (_lock)
        {
            return Broken(_rules, change);
        }
    }

    private static bool SavesAtOnce(ConfigTree tree) => tree.Object("system global").Text("cfg-save") is not ("manual" or "revert");

    /// <summary>
    /// Applies a valid tree to every service, saves it if requested, and swaps it in; a failure leaves everything unchanged. The new file
    /// is written before any service is changed, because a full disk fails there; it is renamed into place after every service has
    /// accepted the tree.
    /// </summary>
    private ConfigError? PutInForce(ConfigChange change, bool saves, string comment = "")
    {
        var (previous, next) = (change.Previous, change.Next);
        var began = Time.GetTimestamp();
        var number = _files.Next;
        if (saves && TrySave(() => _files.Prepare(ImageOf(next, number, change.Author, comment))) is { } unwritten)
        {
            return unwritten;
        }
        for (var at = 0; at < _subscribers.Count; at++)
        {
            if (_subscribers[at].Apply(previous, next) is { } refused)
            {
                Undo(at, next, previous);
                if (saves)
                {
                    _files.Discard();
                }
                return refused;
            }
        }
        if (saves && TrySave(() => _files.Publish(number)) is { } unsaved)
        {
            Undo(_subscribers.Count, next, previous);
            return unsaved;
        }
        _current = next;
        if (saves)
        {
            (LastWrite, _saved) = (Time.GetElapsedTime(began), next);
        }
        foreach (var subscriber in _subscribers)
        {
            subscriber.InForce(previous, next);
        }
        if (saves)
        {
            Saved?.Invoke();
        }
        Committed?.Invoke(change);
        return null;
    }

    private void Undo(int count, ConfigTree from, ConfigTree to)
    {
        for (var at = count - 1; at >= 0; at--)
        {
            if (_subscribers[at].Apply(from, to) is { } stuck)
            {
                throw new InvalidOperationException($"the old configuration cannot be restored: {stuck.Text}");
            }
        }
    }

    private static ConfigError? TrySave(Action save)
    {
        try
        {
            save();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ConfigError(-1, $"the configuration could not be saved: {error.Message}");
        }
    }

    private IReadOnlyList<ReadOnlyMemory<byte>> ImageOf(ConfigTree tree, long number, ConfigAuthor author, string comment) =>
        ConfigImage.Of(tree, Header(author.User, Describe(number, author, comment)), _key);

    private void Save(ConfigTree tree, ConfigAuthor author, string comment)
    {
        var number = _files.Next;
        var image = ImageOf(tree, number, author, comment);
        var began = Time.GetTimestamp();
        _files.Save(number, image);
        LastWrite = Time.GetElapsedTime(began);
        _saved = tree;
        Saved?.Invoke();
    }
}
