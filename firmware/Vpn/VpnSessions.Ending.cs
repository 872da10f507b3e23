using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Vpn;

/// <content>The end of sessions: timeouts, rules that no longer grant them, and their removal.</content>
public sealed partial class VpnSessions
{
    /// <summary>Returns the reason for which a session ends under these rules; null while it continues.</summary>
    private Refusal? Revoked(Entry entry, LoginRules rules)
    {
        var grant = entry.Session.Grant;
        Account? now;
        Refusal? refusal;
        if (grant.Account is { } then)
        {
            refusal = Revocation.OfSession(rules, grant, then, out now);
        }
        else if (
            Revocation.AccountOf(rules, grant) is not { Enabled: true } account
            || entry.Row.Credentials != Fingerprint(entry.Digest, account)
        )
        {
            (now, refusal) = (null, Refusal.UserChanged);
        }
        else
        {
            refusal = Revocation.OfSession(rules, grant, account, out now);
        }
        if (refusal is null && !ReferenceEquals(grant.Account, now))
        {
            entry.Session = entry.Session with { Grant = grant with { Account = now } };
        }
        entry.Revoked = refusal;
        return refusal;
    }

    private static string Reason(Refusal refusal) =>
        refusal switch
        {
            Refusal.TokenUnusable => "token_changed",
            Refusal.NoPolicy => "policy_changed",
            _ => "user_changed",
        };

    private void Sweep()
    {
        var now = _time.GetUtcNow();
        End(entry => entry.IsStored ? Over(entry, now) : null);
        if (_ended is { IsEmpty: false } && _state.Fault is null)
        {
            _ = ClearEndedAsync(_ended);
        }
    }

    private string? Over(Entry entry, DateTimeOffset now) =>
        _settings.AuthTimeout > TimeSpan.Zero && now - entry.Session.Began >= _settings.AuthTimeout ? "auth-timeout"
        : _settings.IdleTimeout > TimeSpan.Zero && now - entry.LastUsed >= _settings.IdleTimeout ? "idle-timeout"
        : null;

    private void End(Func<Entry, string?> why, bool starting = false)
    {
        List<(Entry Entry, string Reason)> ended;
        lock (_lock)
        {
            ended = [.. _byDigest.Values.Select(entry => (entry, Reason: why(entry)!)).Where(end => end.Reason is not null)];
            foreach (var (entry, _) in ended)
            {
                Remove(entry);
            }
            // OpenAsync cleans up a session that is not stored yet.
            ended.RemoveAll(end => !end.Entry.IsStored);
            if (starting)
            {
                _invalid.AddRange(ended); // The database is still read: StartAsync ends them.
                return;
            }
        }
        if (ended.Count == 0)
        {
            return;
        }
        // Not awaited: a failed write is repeated until it is durable. After a crash, the next boot ends these sessions by the same rule.
        _state.Post(Forget([.. ended.Select(end => end.Entry)]));
        if (_state.Fault is not null)
        {
            _ended?.Add(ended.Select(end => end.Entry.Digest));
        }
        var now = _time.GetUtcNow();
        foreach (var (entry, reason) in ended)
        {
            Ended?.Invoke(entry.Session, reason);
            _events.Write(VpnEvents.Closed(entry.Session, reason, now));
        }
    }

    private async Task<VpnEnding> EndedAsync(Entry entry, string reason)
    {
        Ended?.Invoke(entry.Session, reason);
        var durable = await ForgetAsync([entry]).ConfigureAwait(false);
        _events.Write(VpnEvents.Closed(entry.Session, reason, _time.GetUtcNow()));
        return durable ? VpnEnding.Durable : VpnEnding.NotDurable;
    }

    /// <summary>Completes when everything posted before is durable. Tries again whenever the disk can be written again.</summary>
    private async Task UntilDurableAsync()
    {
        while (true)
        {
            var works = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _state.FaultChanged += Changed;
            try
            {
                // Kept writes precede this one: when it is durable, they are.
                await _state.CommitAsync(VpnSessionRow.Delete([])).ConfigureAwait(false);
                _ended?.Clear();
                return;
            }
            catch (IOException)
            {
                await works.Task.ConfigureAwait(false);
            }
            finally
            {
                _state.FaultChanged -= Changed;
            }

            void Changed(string? fault)
            {
                if (fault is null)
                {
                    works.TrySetResult();
                }
            }
        }
    }

    /// <summary>Clears the records beside the database, once everything posted before them is durable in it.</summary>
    private async Task ClearEndedAsync(EndedSessions ended)
    {
        var version = ended.Version;
        try
        {
            await _state.CommitAsync(VpnSessionRow.Delete([])).ConfigureAwait(false);
            ended.Clear(version);
        }
        catch (IOException)
        {
            // The records stay until the database can be written; the next sweep tries again.
        }
    }

    private Entry? Find(VpnSession session) =>
        _byDigest.Values.FirstOrDefault(entry => entry.Session.TunnelId == session.TunnelId && entry.Session.Began == session.Began);

    private void Remove(Entry entry)
    {
        if (_byDigest.Remove(entry.Digest) && entry.IsStored)
        {
            _open--;
        }
    }

    /// <summary>
    /// Deletes sessions from disk. False if it cannot be written: the delete is then repeated until it is durable, and the ends are
    /// recorded beside the database meanwhile.
    /// </summary>
    private async Task<bool> ForgetAsync(IReadOnlyList<Entry> entries)
    {
        try
        {
            await _state.CommitAsync(Forget(entries)).ConfigureAwait(false);
            return true;
        }
        catch (IOException)
        {
            _state.Post(Forget(entries));
            _ended?.Add(entries.Select(entry => entry.Digest));
            return false;
        }
    }
}
