using System.Text;

namespace Appliance.Firmware.Config;

/// <content>Revisions, and the texts of backups with their header and secrets.</content>
public sealed partial class ConfigStore
{
    /// <summary>Returns the revisions, oldest first, without the configuration in force.</summary>
    public IReadOnlyList<ConfigRevision> Revisions()
    {
        lock (_lock)
        {
            return _files.Revisions();
        }
    }

    /// <summary>Returns the text of a revision; null if there is none with this number or it is damaged.</summary>
    public string? Revision(long number)
    {
        lock (_lock)
        {
            return _files.Read(number);
        }
    }

    /// <summary>Deletes a revision; false if there is none with this number.</summary>
    public bool DeleteRevision(long number)
    {
        lock (_lock)
        {
            return _files.Delete(number);
        }
    }

    /// <summary>Stores the configuration in force as a separate revision, with a comment.</summary>
    public ConfigError? Keep(ConfigAuthor author, string comment)
    {
        lock (_lock)
        {
            var number = _files.Next;
            return TrySave(() =>
                _files.SaveRevision(number, ConfigImage.Of(_current, Header(author.User, Describe(number, author, comment)), _key))
            );
        }
    }

    /// <summary>Returns the text of a backup: header and the whole configuration.</summary>
    internal string BackupText(bool full, string user) => Header(user) + new ConfigText(Seal, full).Tree(Current);

    /// <summary>Encrypts a secret for display; the text differs on each call.</summary>
    internal string Seal(string secret) => _key.Seal(Encoding.UTF8.GetBytes(secret));

    /// <summary>Returns the secret of an ENC value, or null if this unit did not create it.</summary>
    internal string? Unseal(string text) => Unseal(_key, text);

    /// <summary>Returns the first lines of a complete <c>show</c>.</summary>
    internal string Header(string user)
    {
        lock (_lock)
        {
            return Header(user, null);
        }
    }

    private static string? Unseal(DeviceKey key, string text) => key.Unseal(text) is { } secret ? Encoding.UTF8.GetString(secret) : null;

    private string Header(string user, ConfigRevision? revision)
    {
        var personality = Current.Schema.Personality;
        return $"#config-version={Personality.Platform}-{personality.Release}-FW-build{personality.Build:0000}-{personality.BuildDate}:opmode=1:vdom=0:user={user}\n"
            + $"#conf_file_ver={revision?.Number ?? _files.Newest}\n#buildno={personality.Build:0000}\n#global_vdom=1\n{(revision is null ? "" : revision.Line + "\n")}";
    }

    private ConfigRevision Describe(long number, ConfigAuthor author, string comment) =>
        new(
            number,
            Time.GetUtcNow(),
            author.User,
            $"{Current.Schema.Personality.Release}-build{Current.Schema.Personality.Build:0000}",
            comment
        );
}
