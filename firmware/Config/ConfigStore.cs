using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>The configuration in force: one immutable tree, swapped by commits, saved as one text file. Thread-safe.</summary>
public sealed class ConfigStore
{
    private const string ChecksumMark = "#checksum=";
    private readonly Lock _lock = new();
    private readonly string _file;
    private readonly DeviceKey _key;
    private readonly List<IConfigSubscriber> _subscribers = [];
    private readonly List<Func<ConfigChange, ConfigError?>> _rules = [];
    private readonly List<Func<ConfigTree, ConfigTree, ConfigTree>> _consequences = [];
    private volatile ConfigTree _current;
    private long _version;

    private ConfigStore(string file, DeviceKey key, IReadOnlyDictionary<string, Func<string, bool>> checks, ConfigTree tree) =>
        (_file, _key, Checks, _current) = (file, key, checks, tree);

    /// <summary>The tree in force.</summary>
    public ConfigTree Current => _current;

    /// <summary>Not null: the newest file was damaged, and the revision before it was booted.</summary>
    public string? BootWarning { get; private init; }

    /// <summary>The lines of the booted file that this version does not understand; they have no effect, and the next save leaves them out.</summary>
    public IReadOnlyList<IgnoredLine> Ignored { get; private init; } = [];

    /// <summary>Raised once a commit is durable; under the commit lock, so handlers must be quick.</summary>
    public event Action<ConfigChange>? Committed;

    /// <summary>Checks of single values, by <c>table attribute</c>.</summary>
    internal IReadOnlyDictionary<string, Func<string, bool>> Checks { get; }

    /// <summary>
    /// Opens the store on a file; when there is none yet, starts from <paramref name="firstConfiguration"/> and saves it. When the file is
    /// damaged, boots the revision before it (the same name and <c>.1</c>).
    /// </summary>
    /// <param name="schema">The tables.</param>
    /// <param name="file">The file; made when there is none.</param>
    /// <param name="key">Seals the secrets in it.</param>
    /// <param name="firstConfiguration">What a fresh unit boots.</param>
    /// <param name="checks">Checks of single values that the schema cannot say, by <c>table attribute</c> (<c>user fortitoken seed</c>).</param>
    /// <exception cref="FormatException">The first configuration has a mistake; the message names the line. Nothing was written.</exception>
    /// <exception cref="InvalidDataException">Neither the file nor its revision can be trusted.</exception>
    public static ConfigStore Open(ConfigSchema schema, string file, DeviceKey key, string firstConfiguration, IReadOnlyDictionary<string, Func<string, bool>>? checks = null)
    {
        checks ??= ImmutableDictionary<string, Func<string, bool>>.Empty;
        var previous = Previous(file);
        if (!File.Exists(file) && !File.Exists(previous))
        {
            var (first, wrong) = ConfigReader.Read(schema, firstConfiguration, text => Unseal(key, text), checks);
            var mistake = wrong is [var line, ..] ? $"line {line.Number}: {line.Why}" : ConfigReferences.Broken(first).FirstOrDefault() is { } broken ? $"entry not found in datasource: {broken}" : null;
            var fresh = mistake is null ? new ConfigStore(file, key, checks, first) : throw new FormatException($"configuration, {mistake}");
            fresh.Save(first);
            return fresh;
        }
        if (Verified(file) is { } newest)
        {
            var (tree, ignored) = ConfigReader.Read(schema, newest, text => Unseal(key, text), checks);
            return new ConfigStore(file, key, checks, tree) { Ignored = ignored };
        }
        var older = Verified(previous) ?? throw new InvalidDataException($"{Path.GetFileName(file)} is damaged, and there is no sound revision before it");
        var (oldTree, oldIgnored) = ConfigReader.Read(schema, older, text => Unseal(key, text), checks);
        var store = new ConfigStore(file, key, checks, oldTree) { Ignored = oldIgnored, BootWarning = $"{Path.GetFileName(file)} is damaged; the revision before it was booted" };
        AtomicFile.Write(file, Encoding.UTF8.GetBytes(older));
        return store;
    }

    /// <summary>What a text has that this version does not understand, line by line; nothing is changed or kept.</summary>
    public static IReadOnlyList<IgnoredLine> Check(ConfigSchema schema, string text, IReadOnlyDictionary<string, Func<string, bool>>? checks = null)
    {
        // A value that another unit encrypted cannot be opened here, and is no mistake of the file.
        var (tree, ignored) = ConfigReader.Read(schema, text, _ => "", checks ?? ImmutableDictionary<string, Func<string, bool>>.Empty);
        return [.. ignored, .. ConfigReferences.Broken(tree).Select(broken => new IgnoredLine(0, $"entry not found in datasource: {broken}"))];
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
            if (subscriber.Apply(new ConfigTree(_current.Schema), _current) is { } error)
            {
                return error;
            }
            _subscribers.Add(subscriber);
            return null;
        }
    }

    /// <summary>
    /// Computes the next tree, validates it whole, applies it to every subscriber (undone on failure), saves it durably and swaps it in.
    /// Null when done; an error when nothing changed.
    /// </summary>
    /// <param name="change">Makes the next tree of the one in force.</param>
    /// <param name="author">Whose change it is; null for that of the attached console.</param>
    public ConfigError? Commit(Func<ConfigTree, ConfigTree> change, ConfigAuthor? author = null)
    {
        lock (_lock)
        {
            var previous = _current;
            var next = _consequences.Aggregate(change(previous), (tree, consequence) => consequence(previous, tree));
            var whole = new ConfigChange(previous, next, author ?? ConfigAuthor.AttachedConsole);
            if (Validate(whole) is { } invalid)
            {
                return invalid;
            }
            for (var at = 0; at < _subscribers.Count; at++)
            {
                if (_subscribers[at].Apply(previous, next) is { } refused)
                {
                    Undo(at, next, previous);
                    return refused;
                }
            }
            try
            {
                Save(next);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Undo(_subscribers.Count, next, previous);
                return new ConfigError(-1, $"the configuration could not be saved: {error.Message}");
            }
            _current = next;
            Committed?.Invoke(whole);
        }
        return null;
    }

    /// <summary>A secret as it is shown: another text at each call.</summary>
    internal string Seal(string secret) => _key.Seal(Encoding.UTF8.GetBytes(secret));

    /// <summary>The secret of an ENC value, or null when this unit did not make it.</summary>
    internal string? Unseal(string text) => Unseal(_key, text);

    /// <summary>The lines that a whole <c>show</c> begins with.</summary>
    internal string Header(string user = "admin") => $"#config-version={Personality.Platform}-{Current.Schema.Personality.Release}-FW-build{Current.Schema.Personality.Build:0000}-{Current.Schema.Personality.BuildDate}:opmode=1:vdom=0:user={user}\n#conf_file_ver={_version}\n#buildno={Current.Schema.Personality.Build:0000}\n#global_vdom=1\n";

    private static string Previous(string file) => file + ".1";

    private static string? Unseal(DeviceKey key, string text) => key.Unseal(text) is { } secret ? Encoding.UTF8.GetString(secret) : null;

    /// <summary>The text of a file whose checksum is right; null for any other.</summary>
    private static string? Verified(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        var bytes = File.ReadAllBytes(file);
        var mark = bytes.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes("\n" + ChecksumMark));
        if (mark < 0)
        {
            return null;
        }
        var body = bytes.AsSpan(0, mark + 1);
        return bytes.AsSpan(mark + 1).SequenceEqual(ChecksumLine(body)) ? Encoding.UTF8.GetString(bytes) : null;
    }

    private static byte[] ChecksumLine(ReadOnlySpan<byte> body) => Encoding.ASCII.GetBytes(ChecksumMark + Convert.ToHexStringLower(SHA256.HashData(body)) + "\n");

    private ConfigError? Validate(ConfigChange change)
    {
        var before = ConfigReferences.Broken(change.Previous).ToHashSet(StringComparer.Ordinal);
        if (ConfigReferences.Broken(change.Next).FirstOrDefault(broken => !before.Contains(broken)) is { } newlyBroken)
        {
            return new ConfigError(-3, $"entry not found in datasource: {newlyBroken}");
        }
        return _rules.Select(rule => rule(change)).FirstOrDefault(error => error is not null);
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

    private void Save(ConfigTree tree)
    {
        _version++;
        var body = Encoding.UTF8.GetBytes(Header() + new ConfigText(Seal).Tree(tree));
        if (Verified(_file) is not null)
        {
            // The newest revision becomes the one before it, as a whole: a copy first, so that there is always a sound one.
            AtomicFile.Write(Previous(_file), File.ReadAllBytes(_file));
        }
        AtomicFile.Write(_file, [.. body, .. ChecksumLine(body)]);
    }
}
