using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The lab's own rules against push fatigue: both are off unless an operator turns them on.</summary>
public sealed class PushPolicyTests
{
    [Fact]
    public void WithoutALimitEveryLoginPushes()
    {
        using var rig = new LoginRig();
        Assert.All(Enumerable.Range(0, 50), _ => Assert.True(rig.Challenge().Push));
        Assert.Null(rig.Challenge().Number);
    }

    [Fact]
    public void AThousandLoginsPromptThreeTimes()
    {
        using var rig = new LoginRig(lab: new LabPolicy { PushLimit = 3 });
        for (var login = 0; login < 1000; login++)
        {
            rig.Challenge();
            rig.Advance(0.25);
        }
        Assert.Equal(3, rig.Steps.Count(step => step.Push is not null));
        Assert.Contains(rig.Facts, fact => fact is { Check: "push", Change: "PUT /lab/policy pushLimit" });
        Assert.Single(rig.Steps.SelectMany(step => step.Events), entry => entry.LogId == "0100032161");
        // A code is still accepted, and proves the user's presence: then pushes go out again.
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann()));
        rig.Advance(60);
        Assert.True(rig.Challenge().Push);
    }

    [Fact]
    public void TheWindowSlides()
    {
        using var rig = new LoginRig(lab: new LabPolicy { PushLimit = 2, PushWindow = TimeSpan.FromMinutes(5) });
        Assert.True(rig.Challenge().Push);
        rig.Advance(290);
        Assert.True(rig.Challenge().Push);
        Assert.False(rig.Challenge().Push);
        rig.Advance(10);
        Assert.True(rig.Challenge().Push);
        Assert.False(rig.Challenge().Push);
    }

    [Fact]
    public void UnansweredPushesCountOverARestart()
    {
        using var rig = new LoginRig(lab: new LabPolicy { PushLimit = 1 }, durable: true);
        Assert.True(rig.Challenge().Push);
        rig.Restart();
        Assert.False(rig.Challenge().Push);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnAnswerStartsTheCountAgain(bool approve)
    {
        using var rig = new LoginRig(lab: new LabPolicy { PushLimit = 1 });
        var handle = rig.Challenge().Handle;
        Assert.True(approve ? rig.Approve(handle) : rig.Deny(handle));
        rig.Advance(60);
        Assert.True(rig.Challenge().Push);
    }

    [Fact]
    public void TheNumberIsShownAndMustBeTyped()
    {
        using var rig = new LoginRig(lab: new LabPolicy { NumberMatch = true });
        var challenge = rig.Challenge();
        Assert.Equal(42, challenge.Number);
        Assert.Contains("42", challenge.Text, StringComparison.Ordinal);
        Assert.True(rig.Steps[^1].Push!.NumberMatch);
        Assert.Null(rig.Await(challenge.Handle));
        // Without a number nothing is decided: a phone without the feature cannot approve.
        Assert.False(rig.Approve(challenge.Handle));
        Assert.Equal(1, rig.Core.PendingCount);
        Assert.True(rig.Approve(challenge.Handle, number: "42"));
        Assert.IsType<LoginAnswer.Success>(Assert.Single(rig.Steps[^1].Released).Answer);
    }

    [Theory]
    [InlineData("41")]
    [InlineData("042")]
    [InlineData("4")]
    public void AWrongNumberEndsTheLogin(string number)
    {
        using var rig = new LoginRig(lab: new LabPolicy { NumberMatch = true });
        var handle = rig.Challenge().Handle;
        rig.Await(handle);
        Assert.False(rig.Approve(handle, number: number));
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongNumber), Assert.Single(rig.Steps[^1].Released).Answer);
        Assert.False(rig.Approve(handle, number: "42"));
        Assert.Contains("push_wrong_number", rig.EventReasons);
    }

    [Fact]
    public void TheNumberIsInNoEventAndNoStep()
    {
        using var rig = new LoginRig(lab: new LabPolicy { NumberMatch = true });
        var handle = rig.Challenge().Handle;
        rig.Approve(handle, number: "42");
        Assert.DoesNotContain(
            rig.Steps.SelectMany(step => step.Events).SelectMany(entry => entry.Fields),
            pair => pair.Value.Contains("42", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(rig.Facts, fact => $"{fact.Result} {fact.Subject}".Contains("42", StringComparison.Ordinal));
    }
}
