using Appliance.Firmware.Config;
using Appliance.Firmware.Radius;
using Appliance.Tests.Login;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The client's evaluation of an answer, its report of a refused one, and the effect of a configuration entry.</summary>
public sealed class RadiusAnswersTests
{
    [Fact]
    public void An_accept_tells_groups_classes_filters_and_times()
    {
        var accept = Assert.IsType<RadiusResult.Accept>(
            Read(
                RadiusCode.AccessAccept,
                (ref RadiusWriter writer) =>
                {
                    writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName, "staff");
                    writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName, "admins");
                    writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.VdomName, "root");
                    writer.AddVendor(RadiusVendor.Microsoft, (byte)FortinetAttribute.GroupName, "other");
                    writer.Add(RadiusAttribute.Class, "class one");
                    writer.Add(RadiusAttribute.FilterId, "filter");
                    writer.Add(RadiusAttribute.SessionTimeout, 3600u);
                    writer.Add(RadiusAttribute.IdleTimeout, new byte[3]);
                }
            )
        );
        Assert.Equal(["staff", "admins"], accept.Groups);
        Assert.Equal(["class one"], accept.Classes);
        Assert.Equal(["filter"], accept.Filters);
        Assert.Equal((3600, 0, 2), (accept.SessionTimeout, accept.IdleTimeout, accept.Server));
    }

    [Fact]
    public void A_reject_tells_all_of_its_words()
    {
        var reject = Assert.IsType<RadiusResult.Reject>(
            Read(
                RadiusCode.AccessReject,
                (ref RadiusWriter writer) =>
                {
                    writer.Add(RadiusAttribute.ReplyMessage, "one ");
                    writer.Add(RadiusAttribute.ReplyMessage, "two");
                }
            )
        );
        Assert.Equal(("one two", 2), (reject.Message, reject.Server));
    }

    [Theory]
    [InlineData("enter the code", "", "enter the code", false, false)]
    [InlineData("+enter the code", "", "enter the code", false, false)]
    [InlineData("+enter the code or no code for a push", "001", "enter the code or no code for a push", true, false)]
    [InlineData("+enter the code or no code for a push", "002", "enter the code or no code for a push", false, false)]
    [InlineData("enter the code or no code for a push", "001", "enter the code or no code for a push", false, false)]
    [InlineData("+enter the code", "001", "enter the code", false, false)]
    [InlineData("+type 'push' or the code", "", "type 'push' or the code", true, true)]
    [InlineData("type 'push' or the code", "", "type 'push' or the code", false, false)]
    public void A_challenge_tells_whether_its_server_can_push(string message, string code, string text, bool canPush, bool typed)
    {
        var challenge = Assert.IsType<RadiusResult.Challenge>(
            Read(
                RadiusCode.AccessChallenge,
                (ref RadiusWriter writer) =>
                {
                    writer.Add(RadiusAttribute.ReplyMessage, message);
                    writer.Add(RadiusAttribute.State, [1, 2, 3]);
                    if (code.Length > 0)
                    {
                        writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.FacChallengeCode, code);
                    }
                }
            )
        );
        Assert.Equal((text, canPush, typed), (challenge.Message, challenge.CanPush, challenge.TypePush));
        Assert.Equal([1, 2, 3], challenge.State);
    }

    [Theory]
    [InlineData(RadiusRefusal.NoMessageAuthenticator, "No Message Authenticator")]
    [InlineData(RadiusRefusal.WrongAuthenticator, "Invalid secret for the server")]
    [InlineData(RadiusRefusal.WrongMessageAuthenticator, "Invalid secret for the server")]
    [InlineData(RadiusRefusal.UnknownProxyState, "Unknown Proxy-State")]
    [InlineData(RadiusRefusal.NoServerProof, "No proof of the server (MS-CHAPv2)")]
    [InlineData(RadiusRefusal.WrongCode, "No answer to an Access-Request")]
    public void A_refused_answer_is_told_in_the_devices_words(RadiusRefusal reason, string words) =>
        Assert.Equal(words, RadiusDebug.Words(reason));

    [Theory]
    [InlineData("pap", "Pap")]
    [InlineData("chap", "Chap")]
    [InlineData("ms_chap", "MsChap")]
    [InlineData("ms_chap_v2", "MsChap2")]
    [InlineData("auto", "Pap MsChap2 Chap")]
    public void A_scheme_is_that_of_the_entry(string type, string schemes) =>
        Assert.Equal(schemes, string.Join(' ', RadiusSettings.SchemesOf(type)));

    [Fact]
    public void Servers_without_an_address_or_a_secret_are_left_out()
    {
        var settings = Settings("set secondary-server 10.0.0.11\nset secondary-secret two\nset tertiary-server 10.0.0.12\n");
        Assert.Equal(["10.0.0.10:1812", "10.0.0.11:1812"], settings.Targets.Select(target => $"{target.EndPoint}"));
        Assert.Null(RadiusSettings.From(LoginRig.TreeOf(""), "no-such-entry"));
        Assert.Equal(["10.0.0.10:1645"], Settings("set radius-port 1645\n").Targets.Select(target => $"{target.EndPoint}"));
    }

    [Fact]
    public void Attributes_of_the_entry_are_the_clients()
    {
        var plain = Settings("");
        Assert.Equal(
            (null, null, "", false, false, RadiusTransport.Udp),
            (plain.NasIp, plain.SourceIp, plain.Interface, plain.AllGroups, plain.Latin1, plain.Transport)
        );
        var all = Settings(
            "set nas-ip 192.0.2.1\nset source-ip 127.0.1.1\nset all-usergroup enable\nset password-encoding ISO-8859-1\nset timeout 1\n"
        );
        Assert.Equal(
            ("192.0.2.1", "127.0.1.1", true, true, 1.0),
            ($"{all.NasIp}", $"{all.SourceIp}", all.AllGroups, all.Latin1, all.Timeout.TotalSeconds)
        );
    }

    private static RadiusSettings Settings(string lines) =>
        RadiusSettings.From(
            LoginRig.TreeOf(
                $"config user radius\nedit x\nset server 10.0.0.10\nset secret one\n{lines}next\nend\n",
                Personality.Find("7.4")!
            ),
            "x"
        )!;

    private static RadiusResult Read(RadiusCode code, Fill fill)
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, code, 1, new byte[16], sign: true);
        fill(ref writer);
        RadiusPacket.Parse(buffer.AsSpan(0, writer.EndAnswer(new RadiusSecret("x"))), out var packet);
        return RadiusAnswers.Read(packet, server: 2);
    }

    private delegate void Fill(ref RadiusWriter writer);
}
