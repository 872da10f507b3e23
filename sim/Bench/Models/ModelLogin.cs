using System.Net;
using Appliance.Firmware.Login;

namespace Appliance.Bench.Models;

/// <summary>A login in the model: its user, and whether it may still succeed.</summary>
internal sealed class ModelLogin(LoginHandle handle, ModelPerson person, IPAddress source, DateTimeOffset deadline)
{
    internal LoginHandle Handle => handle;

    internal ModelPerson Person => person;

    internal IPAddress Source => source;

    /// <summary>The time from which the login can no longer succeed.</summary>
    internal DateTimeOffset Deadline { get; set; } = deadline;

    /// <summary>Null while the login may succeed; otherwise the reason why not.</summary>
    internal string? Over { get; private set; }

    internal bool IsOver => Over is not null;

    internal bool PushOut { get; set; }

    internal DateTimeOffset PushExpires { get; set; }

    /// <summary>True if the phone approved, and the client has not collected the result.</summary>
    internal bool Approved { get; set; }

    /// <summary>The code that went out by mail.</summary>
    internal string? MailedCode { get; set; }

    /// <summary>The drifted code whose next code was requested, and its step; null if there is none.</summary>
    internal (string Code, long Step)? Drifted { get; set; }

    internal void End(string why) => Over ??= why;

    internal void Expire(DateTimeOffset now)
    {
        PushOut &= now < PushExpires;
        if (now >= Deadline)
        {
            End("its deadline passed");
        }
    }
}
