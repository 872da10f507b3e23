using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Login;

/// <summary>The login core's interface to phones, implemented by the push slice. Calls return immediately.</summary>
public interface IPushGateway
{
    /// <summary>Returns true if push is on and a phone is registered for push with this token.</summary>
    bool CanPush(Token token);

    /// <summary>Sends a push. A failure is reported through <see cref="PhoneAnswers.PushFailedAsync"/>.</summary>
    void Send(PushOrder order);

    /// <summary>Voids this login's push: later answers to it are refused.</summary>
    void Cancel(long loginId);

    /// <summary>Reports the final decision on an approval. Called once for each approval that reached <see cref="PhoneAnswers"/>.</summary>
    void Decided(bool accepted);
}

/// <summary>The services through which logins reach phones, mailboxes and remote servers.</summary>
/// <param name="codes">Delivers codes by e-mail and SMS. Null: no code is delivered, and such logins end at their deadline.</param>
/// <param name="remote">Queries remote servers. Null: their users are refused.</param>
public sealed class LoginGateways(ICodeGateway? codes = null, IRemoteGateway? remote = null)
{
    /// <summary>
    /// Sends pushes. Null: no push is sent. Set once, before the first login: the push service needs the <see cref="LoginService"/>.
    /// </summary>
    public IPushGateway? Push { get; set; }

    /// <summary>Delivers one-time codes; null for none.</summary>
    public ICodeGateway? Codes => codes;

    /// <summary>Queries remote servers; null for none.</summary>
    public IRemoteGateway? Remote => remote;
}
