using System.Net;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>The commands of operators on tokens and blocked sources. Thread-safe.</summary>
public sealed class LoginOperator
{
    private readonly LoginCore _core;
    private readonly LoginShell _shell;
    private readonly TokenCore _tokens;

    internal LoginOperator(LoginCore core, LoginShell shell, TokenCore tokens)
    {
        _core = core;
        _shell = shell;
        _tokens = tokens;
    }

    /// <summary>
    /// Synchronizes a token with two consecutive codes (<c>execute fortitoken sync</c>). Completes when it is durable.
    /// </summary>
    public async Task<ResyncVerdict> ResyncAsync(TokenSeed seed, string code, string nextCode)
    {
        var verdict = default(ResyncVerdict);
        await _shell
            .CarryAsync(
                _shell.Decide(
                    (_, now) =>
                    {
                        (verdict, var step) = _core.Resync(seed, code, nextCode, now);
                        return step;
                    }
                )
            )
            .ConfigureAwait(false);
        return verdict;
    }

    /// <summary>Adopts the drifts of tokens from a seed file. Completes when they are durable.</summary>
    public Task TakeDriftsAsync(IReadOnlyList<(TokenSeed Seed, int Drift)> drifts) =>
        _shell.CarryAsync(_shell.Decide((_, _) => _core.TakeDrifts(drifts))).AsTask();

    /// <summary>Returns the last known drift of a token, in steps ahead of the unit (negative if behind).</summary>
    public int DriftOf(TokenSeed seed) => _shell.Read(_ => _tokens.DriftOf(seed));

    /// <summary>Returns the sources with failures at the SSL VPN that count or block.</summary>
    public IReadOnlyList<FailureEntry> BlockList() =>
        _shell.Read(rules => rules is null ? [] : _core.BlockList(rules, _shell.Now));

    /// <summary>Clears the failures of one source, or of all (null). Returns the number of sources cleared, once that is durable.</summary>
    public async Task<int> UnblockAsync(IPAddress? source)
    {
        var count = 0;
        await _shell
            .CarryAsync(
                _shell.Decide(
                    (_, _) =>
                    {
                        (count, var step) = _core.Unblock(source);
                        return step;
                    }
                )
            )
            .ConfigureAwait(false);
        return count;
    }

    /// <summary>Returns the end of the longest lockout of a user or source for too many failures; null if there is none.</summary>
    public DateTimeOffset? LockedOutUntil() => _shell.Read(_ => _core.LockedOutUntil(_shell.Now));
}
