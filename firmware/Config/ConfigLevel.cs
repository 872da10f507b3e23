namespace Appliance.Firmware.Config;

/// <summary>An administrator's position in the edit tree: one level of <c>config</c> or <c>edit</c>.</summary>
internal abstract class ConfigLevel(TableSchema schema, string word)
{
    internal TableSchema Schema => schema;

    /// <summary>The word in the prompt.</summary>
    internal string Word => word;

    /// <summary>A list level without an open entry.</summary>
    internal sealed class List(TableSchema schema, string word) : ConfigLevel(schema, word);

    /// <summary>An open entry or single object: a working copy that is not stored yet.</summary>
    internal sealed class Edit(TableSchema schema, string word, string? key, ConfigObject working, bool isNew) : ConfigLevel(schema, word)
    {
        /// <summary>The key in its list; null for a single object.</summary>
        internal string? Key => key;
        internal ConfigObject Working { get; set; } = working;
        internal bool IsNew => isNew;
    }
}
