using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Storage;
using Appliance.Tests.Config;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>A phone whose provider says that its registration is gone.</summary>
public sealed class RegistrationLossTests
{
    private const string Serial = "FTKMOB0000000001";

    [Theory]
    [InlineData(Serial, "old", true)]
    [InlineData(Serial, "newer", false)]
    [InlineData(Serial, "OLD", false)]
    [InlineData("FTKMOB0000000009", "old", false)]
    public async Task A_registration_is_removed_once_and_only_while_it_is_the_tokens(string serial, string registration, bool removed)
    {
        using var folder = new StoreFolder();
        await using var state = StateDatabase.Open(Path.Combine(folder.Folder, "state.db"), [EventLog.Table]);
        var events = new EventLog(state, new FakeTimeProvider(LoginRig.Start), "X");
        var store = folder.Open(
            $"config user fortitoken\nedit {Serial}\nset seed 3132333435363738393031323334353637383930\n"
                + "set reg-id old\nset os-ver ios\nnext\nend\n"
        );
        var provisioned = new List<string>();
        var loss = new RegistrationLoss(
            store,
            events,
            serialNumber =>
            {
                provisioned.Add(serialNumber);
                return Task.CompletedTask;
            }
        );
        await loss.RemoveAsync(new RegistrationGone(serial, registration, LoginRig.Start));
        await loss.RemoveAsync(new RegistrationGone(serial, registration, LoginRig.Start));
        var token = store.Current.List("user fortitoken").Find(Serial)!;
        Assert.Equal(removed ? ("", "") : ("old", "ios"), (token.Text("reg-id"), token.Text("os-ver")));
        Assert.NotEqual("", token.Text("seed"));
        Assert.Equal(removed ? [Serial] : [], provisioned);
        var entry = events.After(0).SingleOrDefault()?.Entry;
        Assert.Equal(removed ? "0100099162" : null, entry?.LogId);
        Assert.Equal(removed ? EventLevel.Warning : null, entry?.Level);
    }
}
