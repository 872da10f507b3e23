using System.Net;
using Appliance.Firmware.Login;

namespace Appliance.Sim.Models;

/// <summary>A login as the model sees it: who began it, and whether it may still get in.</summary>
internal sealed class ModelLogin(LoginHandle handle, ModelPerson person, IPAddress source, DateTimeOffset deadline)
{
    internal LoginHandle Handle => handle;

    internal ModelPerson Person => person;

    internal IPAddress Source => source;

    /// <summary>From then on nobody gets in by it.</summary>
    internal DateTimeOffset Deadline { get; set; } = deadline;

    /// <summary>Null while it may get in; else why it may not.</summary>
    internal string? Over { get; private set; }

    internal bool IsOver => Over is not null;

    internal bool PushOut { get; set; }

    internal DateTimeOffset PushExpires { get; set; }

    /// <summary>The phone approved, and the client has not come yet.</summary>
    internal bool Approved { get; set; }

    /// <summary>The code that went out by mail.</summary>
    internal string? MailedCode { get; set; }

    /// <summary>The drifted code whose next one was asked for, and its step; null when none was.</summary>
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
