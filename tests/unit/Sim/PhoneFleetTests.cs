using Appliance.Doubles.Clock;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Enrolment;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The phones follow the tokens of the unit that the fleet is attached to.</summary>
public sealed class PhoneFleetTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1111111109);
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new FakeTimeProvider(Now));
    private readonly FakeUnit _unit = new(CallbackServer.MakeCa(Now));
    private readonly PhoneFleet _fleet;

    public PhoneFleetTests() => _fleet = new PhoneFleet(_clock, NullLogger.Instance);

    public void Dispose()
    {
        _fleet.Dispose();
        _clock.Dispose();
    }

    [Fact]
    public async Task Without_a_unit_there_are_no_phones()
    {
        Assert.Empty(_fleet.Phones);
        var (phone, answer) = await _fleet.EnrolAsync("CODE", "ios");
        Assert.Null(phone);
        Assert.Equal(EnrolmentAnswer.NotNow, answer.ErrorCode);
    }

    [Fact]
    public void Another_units_tokens_are_other_phones_even_if_both_never_changed()
    {
        _fleet.Attach(_unit);
        Assert.Equal(2, _fleet.Phones.Count);
        var other = new FakeUnit(_unit.DeviceCa) { Version = _unit.Version };
        other.Tokens.Clear();
        other.Tokens.Add(_unit.Tokens[1]);
        _fleet.Attach(other);
        Assert.Equal([FakeUnit.CatSerial], _fleet.Phones.Select(phone => phone.Serial));
    }

    [Fact]
    public void A_token_with_another_seed_is_the_same_phone_with_another_code()
    {
        _fleet.Attach(_unit);
        var (ann, code) = (_fleet.Find(FakeUnit.AnnSerial)!, _fleet.Find(FakeUnit.AnnSerial)!.Code);
        _unit.Tokens[0] = _unit.Tokens[0] with
        {
            Seed = "another seed of it."u8.ToArray(),
            RegistrationId = "",
            Step = TimeSpan.FromSeconds(60),
        };
        Assert.Equal((code, true, TimeSpan.FromSeconds(30)), (ann.Code, ann.HasPush, ann.Step));
        _unit.Version = new();
        Assert.Same(ann, _fleet.Find(FakeUnit.AnnSerial));
        Assert.NotEqual(code, ann.Code);
        Assert.Equal((false, TimeSpan.FromSeconds(60)), (ann.HasPush, ann.Step));
    }

    [Fact]
    public void Each_phones_card_is_found_by_128_random_bits()
    {
        _fleet.Attach(_unit);
        Assert.All(_fleet.Phones, phone => Assert.Matches("^[0-9a-f]{32}$", phone.Enrolment));
        Assert.Equal(2, _fleet.Phones.Select(phone => phone.Enrolment).Distinct().Count());
    }

    [Fact]
    public async Task A_refused_activation_makes_no_phone()
    {
        _fleet.Attach(_unit);
        Assert.Null((await _fleet.EnrolAsync("CODE", "ios")).Phone);
        Assert.Equal(2, _fleet.Phones.Count);
    }
}
