using Microsoft.Data.Sqlite;

namespace Appliance.Tests.Storage;

/// <summary>
/// Makes every write to a state database fail until it is disposed, as a full disk does: another connection holds the writers' lock. Reads
/// still
/// succeed.
/// </summary>
internal sealed class BrokenDisk : IDisposable
{
    private readonly SqliteConnection _connection;

    /// <summary>Breaks the disk. On return no transaction of another connection is active.</summary>
    public BrokenDisk(string file)
    {
        _connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = file,
                Pooling = false,
                DefaultTimeout = 30,
            }.ToString()
        );
        _connection.Open();
        Execute("BEGIN IMMEDIATE");
    }

    /// <summary>The disk can be written again.</summary>
    public void Dispose()
    {
        Execute("ROLLBACK");
        _connection.Dispose();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
