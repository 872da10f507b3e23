using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Cli;
using Appliance.Hal.Linux;

namespace Appliance.Lab.Remote;

/// <summary>
/// Types scripts at a unit's console over a serial cable, one line after the reply to the previous one. Each script begins and ends with
/// its own session, as over the lab link.
/// </summary>
internal sealed partial class SerialConsoleDriver : IAsyncDisposable
{
    /// <summary>The time limit of a command; the lab link uses the same.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EchoMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FreshMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ProofMax = TimeSpan.FromSeconds(5);

    /// <summary>Input that an ending session may have swallowed is typed again after this time.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <summary>One Ctrl-C each stops paging, discards a prompt or a quote, leaves the config levels, and ends the session.</summary>
    private const int InterruptsMax = 4;
    private const string Interrupt = "\x03";
    private const string AsksForALogin = "asks for a login: another program serves it (a getty, docs/use/lab-box.md), not the agent";
    private const string Literal = "\x16"; // Ctrl-V: the next key is a character.
    private const string Entered = "\r\r\n";
    private const string More = "--More-- ";
    private const int WordBytes = 8;

    private readonly Stream _cable;
    private readonly SerialDevice _device;
    private readonly ShownText _shown;

    private SerialConsoleDriver(Stream cable, SerialDevice device)
    {
        _cable = cable;
        _device = device;
        _shown = new ShownText(cable);
    }

    /// <summary>Opens the device without typing anything.</summary>
    /// <exception cref="LabFailure">The device does not exist, is in use, or is not a serial device.</exception>
    public static SerialConsoleDriver Open(SerialDevice device)
    {
        try
        {
            return new SerialConsoleDriver(SerialStream.Open(device.Device, device.Speed), device);
        }
        catch (IOException refused)
        {
            throw new LabFailure(FailureKind.Missing, $"the console: {refused.Message}", refused);
        }
    }

    /// <summary>
    /// Verifies that this is the console of one unit, which shows a random word there on request over another channel. Nothing is typed, so
    /// another unit is not affected.
    /// </summary>
    /// <param name="say">Lets the unit display a word at its console.</param>
    /// <exception cref="LabFailure">It is the console of another unit, or of none.</exception>
    public async Task ProveAsync(Func<string, Task> say)
    {
        var word = Word();
        var began = LabClock.Wall.GetTimestamp();
        while (LabClock.Wall.GetElapsedTime(began) < ProofMax)
        {
            // Repeated, because the console may have been between two sessions.
            await say(word);
            if (
                await ReadAsync(Again, seen => seen.IndexOf(word, StringComparison.Ordinal) is >= 0 and var at ? at + word.Length : 0)
                is not null
            )
            {
                return;
            }
        }
        throw Failed(
            FailureKind.Missing,
            RestOf(_shown.Waiting) == Rest.Login
                ? AsksForALogin
                : $"is another unit's, or not of this speed ({_device.Speed}): it does not show the word that the unit of the lab link displays at its console"
        );
    }

    /// <summary>
    /// Types the lines of a script in a separate session. The transcript is that of the lab link: no \r, no pages, no cursor movements.
    /// </summary>
    /// <exception cref="LabFailure">The console does not answer in time, does not echo the typed text, or a line cannot be
    /// typed.</exception>
    public async Task<string> TranscriptAsync(string script)
    {
        var (prompt, rest) = (await FreshAsync(), Rest.Root);
        var shown = new StringBuilder(prompt);
        foreach (var line in Lines(script))
        {
            var (text, next) =
                rest == Rest.Question ? await ReplyAsync(line)
                : TypedLine.AsksForHelp(line) && rest != Rest.GoesOn ? await HelpAsync(line)
                : await TypeAsync(line, rest == Rest.GoesOn);
            if (
                rest == Rest.Root
                && next == Rest.Root
                && Leaves().IsMatch(line)
                && text.StartsWith(line + "\n\n", StringComparison.Ordinal)
            )
            {
                // This prompt belongs to the next session: the script's session has ended, and so has the script.
                return shown.Append(line).Append('\n').ToString();
            }
            shown.Append(text);
            if (next == Rest.Down)
            {
                return shown.ToString();
            }
            rest = next;
        }
        await FreshAsync();
        return shown.ToString();
    }

    public ValueTask DisposeAsync() => _cable.DisposeAsync();

    private static string[] Lines(string script) =>
        script.ReplaceLineEndings("\n") is var text && text.EndsWith('\n') ? text[..^1].Split('\n') : text.Split('\n');

    /// <summary>Ends any open session with its open entries, and returns the prompt of the next one.</summary>
    private async Task<string> FreshAsync()
    {
        for (var presses = 0; presses < InterruptsMax; presses++)
        {
            await SendAsync(Interrupt);
            if (
                await ReadAsync(Again, seen => RestOf(seen) is Rest.Root or Rest.Level ? seen.Length : 0) is { } shown
                && Ended().IsMatch(shown)
            )
            {
                break;
            }
        }
        var began = LabClock.Wall.GetTimestamp();
        while (LabClock.Wall.GetElapsedTime(began) < FreshMax)
        {
            // A comment with a new random word: output after it is from now, not from earlier.
            var mark = $"# {Word()}";
            await SendAsync(mark + "\r");
            var prompt = "";
            if (
                await ReadAsync(
                    Again,
                    seen =>
                        seen.Replace(" \b", "", StringComparison.Ordinal).Split(mark + Entered) is [_, var after]
                        && RestOf(prompt = after) == Rest.Root
                            ? seen.Length
                            : 0
                )
                is not null
            )
            {
                return prompt;
            }
        }
        throw Failed(FailureKind.TimedOut, $"gives no prompt within {FreshMax.TotalSeconds} s");
    }

    private async Task<(string Text, Rest Next)> TypeAsync(string line, bool goesOn)
    {
        var typed = TypedLine.Of(line, goesOn);
        await SendAsync(typed.Replace("?", Literal + "?", StringComparison.Ordinal) + "\r");
        await SeeEchoAsync(typed, Entered);
        var (answer, next) = await AnswerAsync(line);
        return (line + "\n" + answer, next);
    }

    /// <summary>Answers a prompt with one key.</summary>
    private async Task<(string Text, Rest Next)> ReplyAsync(string line)
    {
        if (line.Trim() is not ("y" or "Y" or "n" or "N"))
        {
            throw new LabFailure(
                FailureKind.ConfigurationInvalid,
                $"the console {_device.Device} shows a prompt that expects y or n, not '{line}'"
            );
        }
        await SendAsync(line.Trim());
        await SeeEchoAsync(line.Trim(), "\r\n");
        var (answer, next) = await AnswerAsync(line);
        return (line + "\n" + answer, next);
    }

    /// <summary>Types a question mark, which shows help and leaves the line unchanged, and then discards the line.</summary>
    private async Task<(string Text, Rest Next)> HelpAsync(string line)
    {
        var before = TypedLine.Of(line.TrimEnd()[..^1], goesOn: false);
        await SendAsync(before.Replace("?", Literal + "?", StringComparison.Ordinal) + "?");
        var (shown, next) =
            await PagesAsync(EchoMax, seen => RestOf(seen, before))
            ?? throw Failed(
                FailureKind.TimedOut,
                $"shows no help for '{line}' (half a word that can become one word only is completed there)"
            );
        var help = shown[(shown.IndexOf('\n', StringComparison.Ordinal) + 1)..(shown.LastIndexOf('\n') + 1)];
        var prompt = shown[(shown.LastIndexOf('\n') + 1)..^before.Length];
        if (before.Length > 0)
        {
            await SendAsync(Interrupt);
            (_, next) = await AnswerAsync(line);
        }
        return (line + "\n" + (help.Length > 0 ? help : "\n") + prompt, next);
    }

    private async Task SeeEchoAsync(string typed, string end)
    {
        var echo =
            await ReadAsync(EchoMax, seen => seen.IndexOf(end, StringComparison.Ordinal) is >= 0 and var at ? at + end.Length : 0)
            ?? throw Failed(FailureKind.TimedOut, $"does not show '{typed}', which was typed");
        // Unsolicited output may be before the line, never in it: the console then displays the line again.
        if (!Clean(echo).EndsWith(typed + "\n", StringComparison.Ordinal))
        {
            throw Failed(FailureKind.AssertionFailed, $"does not show '{typed}' as it was typed");
        }
    }

    /// <summary>Returns the output up to the next prompt.</summary>
    private async Task<(string Text, Rest Next)> AnswerAsync(string line) =>
        await PagesAsync(AnswerMax, seen => RestOf(seen, ""))
        ?? throw Failed(FailureKind.TimedOut, $"has no answer to '{line}' within {AnswerMax.TotalSeconds} s");

    /// <summary>Returns the output up to the point where the console waits, page by page; null after the time limit.</summary>
    private async Task<(string Text, Rest Next)?> PagesAsync(TimeSpan atMost, Func<string, Rest> restOf)
    {
        var shown = new StringBuilder();
        while (true)
        {
            var rest = Rest.None;
            var part = await ReadAsync(
                atMost,
                seen =>
                {
                    if (GoesDown().Match(seen) is { Success: true } down)
                    {
                        // Later output belongs to the port or to the next unit.
                        rest = Rest.Down;
                        return down.Length;
                    }
                    rest = restOf(seen);
                    return rest != Rest.None ? seen.Length : 0;
                }
            );
            if (part is null)
            {
                return null;
            }
            shown.Append(part);
            if (rest != Rest.Page)
            {
                return (Clean(shown.ToString()), rest);
            }
            await SendAsync(" ");
        }
    }

    /// <summary>Returns what the console waits for, with a partial line after the prompt.</summary>
    private static Rest RestOf(string seen, string begun)
    {
        var last = seen[(seen.LastIndexOf('\n') + 1)..].Replace(" \b", "", StringComparison.Ordinal);
        return last.EndsWith(More, StringComparison.Ordinal) ? Rest.Page
            : begun.Length == 0 ? RestOf(seen)
            : seen.Contains('\n', StringComparison.Ordinal) && last.EndsWith(begun, StringComparison.Ordinal)
                ? RestOf(last[..^begun.Length])
            : Rest.None;
    }

    private static Rest RestOf(string seen)
    {
        var last = Pages().Replace(seen[(seen.LastIndexOf('\n') + 1)..], "");
        return last.EndsWith(More, StringComparison.Ordinal) ? Rest.Page
            : last == "> " ? Rest.GoesOn
            : last.EndsWith("(y/n)", StringComparison.Ordinal) ? Rest.Question
            : last.EndsWith("login: ", StringComparison.Ordinal) ? Rest.Login
            : Prompt().Match(last) is not { Success: true } prompt ? Rest.None
            : prompt.Groups[1].Success ? Rest.Level
            : Rest.Root;
    }

    /// <summary>Removes paging, row ends and carriage returns from the output.</summary>
    private static string Clean(string shown) =>
        Pages()
            .Replace(shown, "")
            .Replace(" \b", "", StringComparison.Ordinal)
            .Replace(Entered, "\n", StringComparison.Ordinal)
            .Replace("\r\n", "\n", StringComparison.Ordinal);

    private static string Word() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(WordBytes));

    private async Task SendAsync(string keys)
    {
        using var late = new CancellationTokenSource(EchoMax, LabClock.Wall);
        try
        {
            await _cable.WriteAsync(Encoding.UTF8.GetBytes(keys), late.Token);
        }
        catch (OperationCanceledException)
        {
            throw Failed(FailureKind.TimedOut, $"accepts no keys for {EchoMax.TotalSeconds} s");
        }
        catch (IOException gone)
        {
            throw Failed(FailureKind.Missing, $"cannot be typed at ({gone.Message})");
        }
    }

    /// <summary>Like <see cref="ShownText.TakeAsync"/>, with errors for the operator.</summary>
    private async Task<string?> ReadAsync(TimeSpan atMost, Func<string, int> enough)
    {
        try
        {
            return await _shown.TakeAsync(atMost, enough);
        }
        catch (IOException gone)
        {
            throw Failed(FailureKind.Missing, $"cannot be read ({gone.Message})");
        }
    }

    private LabFailure Failed(FailureKind kind, string what)
    {
        var recent = string.Concat(Clean(_shown.Recent).Select(c => char.IsControl(c) && c != '\n' ? '?' : c)).Trim('\n');
        return new LabFailure(
            kind,
            $"the console {_device.Device} {what}. {(recent.Length > 0 ? "It shows:\n" + recent : "It shows nothing.")}"
        );
    }

    [GeneratedRegex(@"^\S+( \(.+\))? [#$] $")]
    private static partial Regex Prompt();

    /// <summary>Ctrl-C at the root: the session ended, and the next one follows an empty line.</summary>
    [GeneratedRegex(@"\r\n\r\n\S+ [#$] $")]
    private static partial Regex Ended();

    [GeneratedRegex(@"^\r\nSystem is (rebooting|shutting down)\.\.\.\r\n\r\n")]
    private static partial Regex GoesDown();

    /// <summary>Returns true for <c>exit</c> and <c>quit</c>, abbreviated or not.</summary>
    [GeneratedRegex(@"^\s*(exit?|q(u(it?)?)?)\s*$")]
    private static partial Regex Leaves();

    [GeneratedRegex("--More-- \r +\r")]
    private static partial Regex Pages();

    /// <summary>The input that the console waits for.</summary>
    private enum Rest
    {
        None,

        /// <summary>A prompt at the root.</summary>
        Root,

        /// <summary>A prompt in a table or an entry of one.</summary>
        Level,

        /// <summary>The next line continues the command.</summary>
        GoesOn,
        Question,
        Page,

        /// <summary>The unit restarts or stops.</summary>
        Down,
        Login,
    }
}
