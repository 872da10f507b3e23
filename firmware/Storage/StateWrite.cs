namespace Appliance.Firmware.Storage;

/// <summary>
/// One statement to be made durable: the SQL (prepared once per text) and its values <c>$0, $1, …</c> in order: text, whole numbers of 64 or
/// fewer bits, or null.
/// </summary>
public readonly record struct StateWrite
{
    private readonly string _key;
    private readonly long _first;
    private readonly long _second;
    private readonly object?[]? _values;

    /// <summary>A statement of any number of values.</summary>
    public StateWrite(string sql, params object?[] values) => (Sql, _values, _key) = (sql, values, "");

    private StateWrite(string sql, string key, long first, long second) => (Sql, _key, _first, _second) = (sql, key, first, second);

    /// <summary>The statement.</summary>
    public string Sql { get; }

    /// <summary>Its values.</summary>
    public object?[] Values => _values ?? [_key, _first, _second];

    /// <summary>A statement of a text and two numbers, which makes no garbage: what a decision writes.</summary>
    public static StateWrite Of(string sql, string key, long first, long second) => new(sql, key, first, second);

    internal bool IsInline => _values is null;

    internal (string Key, long First, long Second) Inline => (_key, _first, _second);
}

/// <summary>A row that is put into words only when it is written, on the writer's thread.</summary>
internal interface IStateRow
{
    /// <summary>The statement.</summary>
    string Sql { get; }

    /// <summary>Gives its values, in order.</summary>
    void Bind(StateStatement statement);
}
