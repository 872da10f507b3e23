using System.Net;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Vpn;

/// <summary>A session as it is stored in the state database.</summary>
/// <param name="Id">The row number, which increases in the order in which sessions began.</param>
/// <param name="Digest">The SHA-256 of its cookie.</param>
/// <param name="Credentials">The keyed fingerprint of the credentials that it was opened with.</param>
/// <param name="Session">The session.</param>
internal sealed record VpnSessionRow(long Id, string Digest, string Credentials, VpnSession Session)
{
    /// <summary>
    /// The table, in the order in which sessions began (<c>rowid</c>). There is no index by cookie: cookies are random, so each login would
    /// write a separate index page. Cookies are never searched on disk, because all of them are in memory. The table of earlier releases
    /// (<c>vpn_session</c>) has no credentials: its sessions cannot be verified, and end with the update.
    /// </summary>
    internal const string Table =
        "DROP TABLE IF EXISTS vpn_session; CREATE TABLE IF NOT EXISTS vpn_sessions (cookie TEXT NOT NULL, tunnel INTEGER NOT NULL, "
        + "user TEXT NOT NULL, grp TEXT NOT NULL, portal TEXT NOT NULL, source TEXT NOT NULL, two_factor INTEGER NOT NULL, began INTEGER NOT NULL, "
        + "realm TEXT NOT NULL, nic TEXT NOT NULL, told TEXT NOT NULL, credentials TEXT NOT NULL)";

    private const string Columns = "rowid, cookie, tunnel, user, grp, portal, source, two_factor, began, realm, nic, told, credentials";

    /// <summary>Bits of the column <c>two_factor</c>.</summary>
    private const long TwoFactorFlag = 1;
    private const long RemoteFlag = 2;

    /// <summary>Reads all rows of the database. For start-up only.</summary>
    internal static IEnumerable<VpnSessionRow> ReadAll(StateDatabase state) =>
        state.Read(
            $"SELECT {Columns} FROM vpn_sessions",
            row => new VpnSessionRow(
                row.GetInt64(0),
                row.GetString(1),
                row.GetString(12),
                new VpnSession(
                    (uint)row.GetInt64(2),
                    new LoginGrant(
                        row.GetString(3),
                        row.GetString(4),
                        row.GetString(5),
                        IPAddress.Parse(row.GetString(6)),
                        (row.GetInt64(7) & TwoFactorFlag) != 0
                    )
                    {
                        IsRemote = (row.GetInt64(7) & RemoteFlag) != 0,
                        Realm = row.GetString(9),
                        Nic = row.GetString(10),
                        Told = ToldGroups.Read(row.GetString(11)),
                    },
                    new DateTimeOffset(row.GetInt64(8), TimeSpan.Zero)
                )
            )
        );

    internal StateWrite Insert()
    {
        var grant = Session.Grant;
        return new(
            $"INSERT INTO vpn_sessions ({Columns}) VALUES ($0,$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)",
            Id,
            Digest,
            (long)Session.TunnelId,
            grant.User,
            grant.Group,
            grant.Portal,
            grant.Source.ToString(),
            (grant.TwoFactor ? TwoFactorFlag : 0) | (grant.IsRemote ? RemoteFlag : 0),
            Session.Began.UtcTicks,
            grant.Realm,
            grant.Nic,
            ToldGroups.Write(grant.Told),
            Credentials
        );
    }

    /// <summary>Deletes rows; a row that does not exist is ignored.</summary>
    internal static StateWrite Delete(IEnumerable<VpnSessionRow> rows) =>
        StateWrite.ForEach(
            "DELETE FROM vpn_sessions WHERE cookie=$0 AND rowid=$1 AND tunnel=$2",
            [.. rows.Select(row => (row.Digest, row.Id, (long)row.Session.TunnelId))]
        );
}
