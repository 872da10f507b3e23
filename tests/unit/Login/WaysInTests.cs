using System.Net;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Remote;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>One core for all clients: users of the SSL VPN, administrators, RADIUS clients; realms, rules and factors.</summary>
public sealed class WaysInTests
{
    private const string Admins =
        LoginRig.Patient
        + """
            config system admin
            edit root
            set accprofile super_admin
            set password root-password
            set two-factor fortitoken
            set fortitoken FTKMOB0000000001
            set trusthost1 192.0.2.0 255.255.255.0
            next
            edit plain
            set accprofile super_admin
            set password plain-password
            next
            end

            """;

    private const string Realms =
        LoginRig.Patient
        + """
            config vpn ssl web portal
            edit sales-portal
            set web-mode enable
            next
            edit tunnel-only
            set web-mode disable
            next
            end
            config vpn ssl settings
            config authentication-rule
            edit 2
            set groups vpn-users
            set portal sales-portal
            set realm sales
            next
            edit 3
            set users bob
            set portal tunnel-only
            set realm closed
            next
            end
            end

            """;

    [Theory]
    [InlineData(LoginKind.SslVpn, LoginKind.Admin)]
    [InlineData(LoginKind.SslVpn, LoginKind.Radius)]
    [InlineData(LoginKind.Admin, LoginKind.SslVpn)]
    [InlineData(LoginKind.Admin, LoginKind.Radius)]
    [InlineData(LoginKind.Radius, LoginKind.SslVpn)]
    [InlineData(LoginKind.Radius, LoginKind.Admin)]
    public void ACodeUsedInOneWayInIsUsedInEveryOther(LoginKind first, LoginKind second)
    {
        using var rig = new LoginRig(Admins, durable: true);
        string Name(LoginKind kind) => kind == LoginKind.Admin ? "root" : "ann";
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge(Name(first), kind: first).Handle, rig.Ann(), kind: first));
        rig.Restart();
        var challenge = rig.Challenge(Name(second), kind: second);
        Assert.Equal(ChallengeReason.Wait, challenge.Reason);
        Assert.Equal(
            ChallengeReason.Wait,
            Assert.IsType<LoginAnswer.Challenge>(rig.Code(challenge.Handle, rig.Ann(), kind: second)).Reason
        );
    }

    [Theory]
    [InlineData(LoginKind.SslVpn)]
    [InlineData(LoginKind.Admin)]
    [InlineData(LoginKind.Radius)]
    public void ACodeUsedByPushIsUsedInEveryWayIn(LoginKind kind)
    {
        using var rig = new LoginRig(Admins);
        var code = rig.Ann();
        Assert.True(rig.Approve(rig.Challenge().Handle, code));
        Assert.Equal(
            ChallengeReason.Wait,
            Assert.IsType<LoginAnswer.Challenge>(rig.Login(kind == LoginKind.Admin ? "root" : "ann", kind: kind, code: code)).Reason
        );
    }

    [Fact]
    public void ALoginBelongsToTheWayInThatBeganIt()
    {
        using var rig = new LoginRig(Admins);
        var handle = rig.Challenge("root", kind: LoginKind.Admin).Handle;
        Assert.Equal(new LoginAnswer.Refused(Refusal.UnknownRequest), rig.Code(handle, rig.Ann()));
        Assert.IsType<LoginAnswer.Success>(rig.Code(handle, rig.Ann(), kind: LoginKind.Admin));
    }

    [Fact]
    public void AdministratorsComeFromTrustedHosts()
    {
        using var rig = new LoginRig(Admins);
        Assert.Equal(new LoginAnswer.Refused(Refusal.UntrustedHost), rig.Login("root", from: LoginRig.Elsewhere, kind: LoginKind.Admin));
        Assert.IsType<LoginAnswer.Success>(rig.Login("plain", from: LoginRig.Elsewhere, kind: LoginKind.Admin));
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("root", from: IPAddress.None, kind: LoginKind.Admin));
    }

    [Fact]
    public void UsersAreNoAdministratorsAndTheOtherWayRound()
    {
        using var rig = new LoginRig(Admins);
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("bob", kind: LoginKind.Admin));
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("plain"));
    }

    [Fact]
    public void AdministratorsAreShutOutBySourceAndOverARestart()
    {
        using var rig = new LoginRig(Admins, durable: true);
        for (var again = 0; again < 3; again++)
        {
            Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("plain", "wrong", kind: LoginKind.Admin));
        }
        rig.Restart();
        Assert.Equal(new LoginAnswer.Refused(Refusal.Blocked), rig.Login("plain", kind: LoginKind.Admin));
        Assert.IsType<LoginAnswer.Success>(rig.Login("plain", from: LoginRig.Elsewhere, kind: LoginKind.Admin));
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Login("plain", kind: LoginKind.Admin));
    }

    [Fact]
    public void ACodeThatComesWithThePasswordSendsNoPush()
    {
        using var rig = new LoginRig();
        Assert.IsType<LoginAnswer.Success>(rig.Login(code: rig.Ann()));
        rig.Advance(60);
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode), rig.Login(code: "000000"));
        Assert.DoesNotContain(rig.Steps, step => step.Push is not null);
        Assert.Equal(0, rig.Core.PendingCount);
    }

    [Fact]
    public void ADriftedTokenIsAskedAgain()
    {
        using var rig = new LoginRig();
        rig.CanPush = false;
        var handle = rig.Challenge().Handle;
        var challenge = Assert.IsType<LoginAnswer.Challenge>(rig.Code(handle, rig.Ann(5)));
        Assert.Equal(ChallengeReason.NextCode, challenge.Reason);
        Assert.StartsWith(
            $"FortiToken clock drift detected (code: {rig.Ann(5)}). Please input the next code and continue",
            challenge.Text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(',', challenge.Text);
        Assert.IsType<LoginAnswer.Success>(rig.Code(handle, rig.Ann(6)));
        // And from now on its clock is known.
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann(6)));
    }

    [Fact]
    public void TheNextCodeMayComeAlong()
    {
        using var rig = new LoginRig();
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann(-7), next: rig.Ann(-6)));
    }

    [Fact]
    public void TheSameCodeTwiceFails()
    {
        using var rig = new LoginRig();
        var handle = rig.Challenge().Handle;
        Assert.IsType<LoginAnswer.Challenge>(rig.Code(handle, rig.Ann(5)));
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode, Retry: true), rig.Code(handle, rig.Ann(5)));
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode, Retry: true), rig.Code(handle, rig.Ann(5), next: rig.Ann(5)));
    }

    [Fact]
    public void ACodeByMailLetsInOnce()
    {
        using var rig = new LoginRig(
            "config user local\nedit ann\nset two-factor email\nset email-to ann@example.com\nunset fortitoken\nnext\nend\n"
                + LoginRig.Patient
        );
        var challenge = rig.Challenge();
        Assert.Equal((ChallengeReason.EmailCode, false), (challenge.Reason, challenge.Push));
        var order = rig.Steps[^1].Code!;
        Assert.Equal(("ann", "ann@example.com", "135790"), (order.User, order.To.Address, order.Code));
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode, Retry: true), rig.Code(challenge.Handle, "135791"));
        Assert.IsType<LoginAnswer.Success>(rig.Code(challenge.Handle, "135790"));
        Assert.Equal(new LoginAnswer.Refused(Refusal.UnknownRequest), rig.Code(challenge.Handle, "135790"));
    }

    [Theory]
    [InlineData("set two-factor fortitoken-cloud", Refusal.NotLicensed)]
    [InlineData("set two-factor email", Refusal.TokenUnusable)]
    [InlineData("set two-factor sms", Refusal.TokenUnusable)]
    [InlineData("unset fortitoken", Refusal.TokenUnusable)]
    [InlineData("set type radius", Refusal.RemoteUnavailable)]
    [InlineData("set type ldap", Refusal.RemoteUnavailable)]
    [InlineData("set type tacacs+", Refusal.RemoteUnavailable)]
    [InlineData("set status disable", Refusal.BadCredentials)]
    public void WhatCannotBeAskedDenies(string change, Refusal refusal)
    {
        using var rig = new LoginRig { Rules = LoginRig.RulesWith(change) };
        Assert.Equal(new LoginAnswer.Refused(refusal), rig.Login());
    }

    [Fact]
    public void ARemoteUserKeepsHisLocalToken()
    {
        using var rig = new LoginRig(
            "config user radius\nedit fac\nset server 192.0.2.50\nset secret s\nnext\nend\nconfig user local\nedit ann\nset type radius\nset radius-server fac\nnext\nend\n"
                + LoginRig.Patient
        );
        var challenge = Assert.IsType<LoginAnswer.Challenge>(rig.Login(password: "whatever the server knows", remote: LoginRig.Accepted));
        Assert.True(challenge.Push);
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login(remote: new RemoteVerdict.Rejected()));
    }

    [Theory]
    [InlineData("", "full-access")]
    [InlineData("sales", "sales-portal")]
    [InlineData("closed", null)]
    [InlineData("Sales", null)]
    [InlineData("sales/", null)]
    [InlineData("nowhere", null)]
    public void ARealmHasItsOwnRules(string realm, string? portal)
    {
        using var rig = new LoginRig(Realms);
        var answer = rig.Login("bob", realm: realm);
        Assert.Equal(portal, (answer as LoginAnswer.Success)?.Grant.Portal);
        Assert.True(portal is not null || answer is LoginAnswer.Refused { Reason: Refusal.NoPolicy });
    }

    [Theory]
    [InlineData("set source-interface port1", true)]
    [InlineData("set source-interface any", true)]
    [InlineData("set source-interface port2", false)]
    [InlineData("set client-cert enable", false)]
    [InlineData("set auth radius", false)]
    [InlineData("set auth local", true)]
    public void ARuleThatIsNotMetGivesNothing(string condition, bool met)
    {
        using var rig = new LoginRig(
            $"{LoginRig.Patient}config vpn ssl settings\nunset default-portal\nconfig authentication-rule\nedit 1\n{condition}\nnext\nend\nend\n"
        );
        var answer = rig.Login("bob");
        Assert.True(met ? answer is LoginAnswer.Success : answer is LoginAnswer.Refused { Reason: Refusal.NoPolicy });
    }

    [Fact]
    public void ForceTwoFactorLetsNobodyInWithout()
    {
        using var rig = new LoginRig(LoginRig.Patient + "config vpn ssl settings\nset force-two-factor-auth enable\nend\n");
        Assert.Equal(new LoginAnswer.Refused(Refusal.NoPolicy), rig.Login("bob"));
        Assert.IsType<LoginAnswer.Challenge>(rig.Login());
    }

    /// <summary>Canary secrets in every field that a client can fill: none is disclosed by an event or a step.</summary>
    [Fact]
    public void NoSecretIsInAnEventOrAStep()
    {
        using var rig = new LoginRig();
        rig.Login("ann", "canary-password-1");
        rig.Login("canary", "canary-password-2");
        var handle = rig.Challenge().Handle;
        rig.Code(handle, "987654");
        var five = rig.Ann(5);
        rig.Code(handle, five);
        rig.Code(handle, rig.Ann(6));
        var told = string.Join(
            '\n',
            rig.Steps.SelectMany(step => step.Events)
                .SelectMany(entry => entry.Fields)
                .Select(pair => pair.Value)
                .Concat(rig.Facts.Select(fact => fact.ToString()))
        );
        Assert.All(
            (string[])["canary-password", "987654", five, rig.Ann(6), handle.Magic, "ann-password"],
            secret => Assert.DoesNotContain(secret, told, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void TheJournalTellsALogin()
    {
        using var rig = new LoginRig();
        var journal = new LoginJournal();
        var heard = new List<LoginJournalStep>();
        journal.Noted += heard.Add;
        rig.Code(rig.Challenge().Handle, rig.Ann());
        rig.Login("bob", "wrong");
        rig.Login("cat");
        rig.Steps.ForEach(step => journal.Add(step.Facts, rig.Now));
        Assert.Equal(
            [("cat", LoginOutcome.Pending), ("bob", LoginOutcome.Refused), ("ann", LoginOutcome.In)],
            journal.Newest(10).Select(login => (login.User, login.Outcome))
        );
        Assert.Equal("password", journal.Newest(2)[1].Steps.Single(step => step.Fact.Decides).Fact.Check);
        Assert.Equal(journal.Newest(10).Sum(login => login.Steps.Count), heard.Count);
        for (var login = 0; login < LoginJournal.LoginsMax; login++)
        {
            journal.Add(
                rig.Take(
                    rig.Core.Start(
                        new LoginRequest("x", "x", "", LoginRig.Home),
                        rig.Rules,
                        _ => true,
                        new LoginRandomness(new LoginHandle("x", "x")),
                        rig.Now
                    )
                ).Facts,
                rig.Now
            );
        }
        Assert.Null(journal.Find(1));
        Assert.Equal(LoginJournal.LoginsMax, journal.Newest(5000).Count);
        // A late step of a dropped login is reported and counted, and does not restore the login without its beginning.
        var (before, told) = (journal.Counts(), heard.Count);
        journal.Add([(1, new LoginFact("phone", "denied") { Decides = true })], rig.Now);
        Assert.Null(journal.Find(1));
        Assert.Equal((before.In, before.Decided + 1, told + 1), (journal.Counts().In, journal.Counts().Decided, heard.Count));
    }
}
