namespace Appliance.Doubles.Wire;

/// <summary>The parties that send and receive the messages of a login.</summary>
internal static class Party
{
    internal const string Client = "client";
    internal const string Appliance = "appliance";
    internal const string Authenticator = "fac";
    internal const string RadiusServer = "remote";
    internal const string Proxy = "proxy";
    internal const string Provider = "provider";
    internal const string Phone = "phone";

    /// <summary>The serial number of the FortiAuthenticator emulator, which distinguishes its pushes from the appliance's.</summary>
    internal const string AuthenticatorSerial = "FACLAB0000000001";
}

/// <summary>The text of a message. Its creator has replaced secrets with asterisks.</summary>
/// <param name="Name">The name, in a few words.</param>
/// <param name="Start">The first line.</param>
/// <param name="Headers">The lines between the first line and the body; for RADIUS the attributes.</param>
/// <param name="Body">The body; "" for none.</param>
internal sealed record MessageText(string Name, string Start, IReadOnlyList<(string Name, string Value)> Headers, string Body);

/// <summary>One captured message of a login.</summary>
/// <param name="Id">The number, which increases by one for each message.</param>
/// <param name="Login">The id of the login in the unit's journal.</param>
/// <param name="Time">The time of the message, by the lab's clock.</param>
/// <param name="After">The number of steps of the login that were recorded before it.</param>
/// <param name="From">The sender (<see cref="Party"/>).</param>
/// <param name="To">The receiver (<see cref="Party"/>).</param>
/// <param name="Text">The content, with secrets masked.</param>
internal sealed record LabMessage(long Id, long Login, DateTimeOffset Time, int After, string From, string To, MessageText Text);
