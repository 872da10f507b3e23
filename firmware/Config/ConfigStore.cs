using System.Collections.Immutable;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>The configuration in force: one immutable tree, swapped by commits, saved as one text file with its revisions. Thread-safe.</summary>
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

    private ConfigStore(ConfigFiles files, DeviceKey key, (string Text, FirstLoad? Load) first, IReadOnlyDictionary<string, Func<string, bool>> checks, TimeProvider time, ConfigTree tree) =>
        (_files, _key, _firstConfiguration, _firstLoad, Checks, Time, _current, _saved, _rules, _factory) =
            (files, key, first.Text, first.Load, checks, time, tree, tree, [.. first.Load?.Rules ?? []], first.Load?.FactoryObjects(tree.Schema));

    /// <summary>The tree in force.</summary>
    public ConfigTree Current => _current;

    /// <summary>True while the tree in force is not the saved one (<c>set cfg-save manual</c> or <c>revert</c>).</summary>
    public bool HasUnsaved => !ReferenceEquals(_current, _saved);

    /// <summary>Not null: the newest file was damaged, and a revision before it was booted.</summary>
    public string? BootWarning { get; private init; }

    /// <summary>The lines of the booted file that have no effect, as this version does not understand them; the next save leaves them out.</summary>
    public IReadOnlyList<IgnoredLine> Ignored { get; private init; } = [];

    /// <summary>True when there was no saved configuration, and the first one was loaded.</summary>
    public bool IsFirst { get; private init; }

    /// <summary>How long the disk took for the newest save: the whole of it, from the first write to the last sync.</summary>
    public TimeSpan LastWrite { get; private set; }

    /// <summary>Raised once a commit is in force (and durable, unless saving is manual); under the commit lock, so handlers must be quick.</summary>
    public event Action<ConfigChange>? Committed;

    /// <summary>Raised when what is in force was saved or is the saved one again; under the commit lock.</summary>
    public event Action? Saved;

    /// <summary>Checks of single values, by <c>table attribute</c>.</summary>
    internal IReadOnlyDictionary<string, Func<string, bool>> Checks { get; }

    /// <summary>The clock of revisions and transactions.</summary>
    internal TimeProvider Time { get; }

    /// <summary>
    /// Opens the store on a file; when there is none yet, starts from <paramref name="firstConfiguration"/> and saves it. When the file is
    /// damaged, boots the newest sound revision of it (in the folder <c>revisions</c> beside it).
    /// </summary>
    /// <param name="schema">The tables.</param>
    /// <param name="file">The file; made when there is none.</param>
    /// <param name="key">Seals the secrets in it.</param>
    /// <param name="firstConfiguration">What a fresh unit boots, and a factory reset goes back to.</param>
    /// <param name="checks">Checks of single values that the schema cannot say, by <c>table attribute</c> (<c>user fortitoken seed</c>).</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="load">How the first configuration is read; null for strictly, without rules and without anything that it does not hold.</param>
    /// <exception cref="FormatException">The first configuration has a mistake, or is refused; the message says which, or why. Nothing was written.</exception>
    /// <exception cref="InvalidDataException">Neither the file nor a revision can be trusted.</exception>
    public static ConfigStore Open(ConfigSchema schema, string file, DeviceKey key, string firstConfiguration, IReadOnlyDictionary<string, Func<string, bool>>? checks = null, TimeProvider? time = null, FirstLoad? load = null) =>
        Open(schema, new FileDisk(Path.GetDirectoryName(Path.GetFullPath(file))!), Path.GetFileName(file), key, firstConfiguration, checks, time, load);

    /// <summary>Opens the store on a disk.</summary>
    internal static ConfigStore Open(ConfigSchema schema, IDisk disk, string file, DeviceKey key, string firstConfiguration, IReadOnlyDictionary<string, Func<string, bool>>? checks, TimeProvider? time, FirstLoad? load = null)
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
        var fresh = new ConfigStore(files, key, (firstConfiguration, load), checks, time, first.Tree) { Ignored = first.Ignored, IsFirst = true };
        fresh.Save(first.Tree, ConfigAuthor.AttachedConsole, "");
        return fresh;
    }

    /// <summary>Adds a rule across tables that every commit must meet.</summary>
    public void AddRule(Func<ConfigTree, ConfigError?> rule) => AddRule((ConfigChange change) => rule(change.Next));

    /// <summary>Adds a rule about what may be changed, and by whom.</summary>
    public void AddRule(Func<ConfigChange, ConfigError?> rule)
    {
        lock (_lock)
        {
            _rules.Add(rule);
        }
    }

    /// <summary>
    /// Adds a consequence: given the tree before and the one that a change made, it gives the tree that is to be stored, in the same commit. It must be
    /// quick, and the same for the same trees.
    /// </summary>
    public void AddConsequence(Func<ConfigTree, ConfigTree, ConfigTree> consequence)
    {
        lock (_lock)
        {
            _consequences.Add(consequence);
        }
    }

    /// <summary>
    /// A list table as <c>get</c> shows it: with the attributes that are no configuration but state. Set once, before the first console.
    /// </summary>
    public Func<ConfigTable, ConfigTable> Live { get; set; } = table => table;

    /// <summary>
    /// Adds a service that follows the configuration, and applies the current tree to it (from an empty one) at once.
    /// Later commits apply in the order of subscription.
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
    /// Computes the next tree, validates it whole, applies it to every subscriber (undone on failure), saves it durably and swaps it in.
    /// Null when done; an error when nothing changed. A change that gives the same tree back does nothing.
    /// </summary>
    /// <param name="change">Makes the next tree of the one in force.</param>
    /// <param name="author">Whose change it is; null for that of the attached console.</param>
    public ConfigError? Commit(Func<ConfigTree, ConfigTree> change, ConfigAuthor? author = null) => Commit(change, author ?? ConfigAuthor.AttachedConsole, null);

    /// <summary>The same, from an administrator's workspace (null: from none).</summary>
    internal ConfigError? Commit(Func<ConfigTree, ConfigTree> change, ConfigAuthor author, ConfigWorkspace? owner) => Commit(change, author, owner, "", isRestored: false);

    private ConfigError? Commit(Func<ConfigTree, ConfigTree> change, ConfigAuthor author, ConfigWorkspace? owner, string comment, bool isRestored)
    {
        lock (_lock)
        {
            var next = WithConsequences(_current, change(_current));
            if (ReferenceEquals(next, _current))
            {
                return null;
            }
            var whole = new ConfigChange(_current, next, author) { IsRestored = isRestored };
            return _locks.Conflict(_current, next, owner) ?? Validate(whole) ?? PutInForce(whole, SavesAtOnce(_current) || SavesAtOnce(next), comment);
        }
    }

    /// <summary>A tree that a change made, with what follows from it.</summary>
    internal ConfigTree WithConsequences(ConfigTree previous, ConfigTree next)
    {
        lock (_lock)
        {
            return ReferenceEquals(previous, next) ? next : _consequences.Aggregate(next, (tree, consequence) => consequence(previous, tree));
        }
    }

    /// <summary>Saves what is in force, if it is not saved yet. Null when it is on disk.</summary>
    public ConfigError? SaveNow(ConfigAuthor? author = null)
    {
        lock (_lock)
        {
            return !HasUnsaved ? null : TrySave(() => Save(_current, author ?? ConfigAuthor.AttachedConsole, ""));
        }
    }

    /// <summary>Puts the saved configuration in force again, without a restart. Null when it is.</summary>
    /// <param name="due">Asked under the commit lock, just before; false leaves everything as it is.</param>
    public ConfigError? Revert(Func<bool>? due = null)
    {
        lock (_lock)
        {
            var error = !HasUnsaved || due?.Invoke() == false ? null : PutInForce(new ConfigChange(_current, _saved, ConfigAuthor.AttachedConsole), saves: false);
            if (!HasUnsaved)
            {
                Saved?.Invoke();
            }
            return error;
        }
    }

    /// <summary>The revisions, oldest first. What is in force is not among them.</summary>
    public IReadOnlyList<ConfigRevision> Revisions()
    {
        lock (_lock)
        {
            return _files.Revisions();
        }
    }

    /// <summary>The text of a revision; null when there is none of this number, or it is damaged.</summary>
    public string? Revision(long number)
    {
        lock (_lock)
        {
            return _files.Read(number);
        }
    }

    /// <summary>Deletes a revision; false when there is none of this number.</summary>
    public bool DeleteRevision(long number)
    {
        lock (_lock)
        {
            return _files.Delete(number);
        }
    }

    /// <summary>Keeps what is in force as a revision of its own, with a comment.</summary>
    public ConfigError? Keep(ConfigAuthor author, string comment)
    {
        lock (_lock)
        {
            var number = _files.Next;
            return TrySave(() => _files.SaveRevision(number, ConfigImage.Of(_current, Header(author.User, Describe(number, author, comment)), _key)));
        }
    }

    /// <summary>A text as a backup has it: header and the whole configuration.</summary>
    internal string BackupText(bool full, string user) => Header(user) + new ConfigText(Seal, full).Tree(Current);

    /// <summary>A secret as it is shown: another text at each call.</summary>
    internal string Seal(string secret) => _key.Seal(Encoding.UTF8.GetBytes(secret));

    /// <summary>The secret of an ENC value, or null when this unit did not make it.</summary>
    internal string? Unseal(string text) => Unseal(_key, text);

    /// <summary>The lines that a whole <c>show</c> begins with.</summary>
    internal string Header(string user)
    {
        lock (_lock)
        {
            return Header(user, null);
        }
    }

    /// <summary>Runs something while no commit can happen, with what transactions hold.</summary>
    internal T WithLocks<T>(Func<ConfigLocks, T> work)
    {
        lock (_lock)
        {
            return work(_locks);
        }
    }

    /// <summary>What of a change breaks a rule; null when nothing does.</summary>
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

    private static string? Unseal(DeviceKey key, string text) => key.Unseal(text) is { } secret ? Encoding.UTF8.GetString(secret) : null;

    private string Header(string user, ConfigRevision? revision)
    {
        var personality = Current.Schema.Personality;
        return $"#config-version={Personality.Platform}-{personality.Release}-FW-build{personality.Build:0000}-{personality.BuildDate}:opmode=1:vdom=0:user={user}\n"
            + $"#conf_file_ver={revision?.Number ?? _files.Newest}\n#buildno={personality.Build:0000}\n#global_vdom=1\n{(revision is null ? "" : revision.Line + "\n")}";
    }

    private ConfigRevision Describe(long number, ConfigAuthor author, string comment) =>
        new(number, Time.GetUtcNow(), author.User, $"{Current.Schema.Personality.Release}-build{Current.Schema.Personality.Build:0000}", comment);

    /// <summary>
    /// Applies a valid tree to every service, saves it if asked, and swaps it in; on failure everything is as it was. The new file is written before any
    /// service is touched, because a full disk refuses there; its name follows when every service has agreed.
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
                throw new InvalidOperationException($"the old configuration cannot be put in force again: {stuck.Text}");
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
