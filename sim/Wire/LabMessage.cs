namespace Appliance.Sim.Wire;

/// <summary>Who sends and gets the messages of a login.</summary>
internal static class Party
{
    internal const string Client = "client";
    internal const string Appliance = "appliance";
    internal const string Authenticator = "fac";
    internal const string RadiusServer = "remote";
    internal const string Proxy = "proxy";
    internal const string Provider = "provider";
    internal const string Phone = "phone";
}

/// <summary>What a message says. Whoever makes one has put stars in the place of what is secret.</summary>
/// <param name="Name">In a few words.</param>
/// <param name="Start">Its first line.</param>
/// <param name="Headers">What stands between that and the body; for RADIUS the attributes.</param>
/// <param name="Body">The body; "" for none.</param>
internal sealed record MessageText(string Name, string Start, IReadOnlyList<(string Name, string Value)> Headers, string Body);

/// <summary>One message of a login.</summary>
/// <param name="Id">Rises by one.</param>
/// <param name="Login">Of the login, in the unit's journal.</param>
/// <param name="Time">When, by the lab's clock.</param>
/// <param name="After">How many steps of the login were noted before it.</param>
/// <param name="From">Who sent it (<see cref="Party"/>).</param>
/// <param name="To">Whom to.</param>
/// <param name="Text">What it says, secrets masked.</param>
internal sealed record LabMessage(long Id, long Login, DateTimeOffset Time, int After, string From, string To, MessageText Text);
