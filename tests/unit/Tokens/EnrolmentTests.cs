using System.Net;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Tokens;
using Appliance.Hal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>Enrolment in a whole unit with interfaces in memory: a reported result is on disk, at every moment of a power cut.</summary>
public sealed class EnrolmentTests : IAsyncDisposable
{
    private const string Factory = "config system interface\nedit port1\nset ip 10.0.0.1 255.255.255.255\nset type physical\nnext\nend\n";
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2033, 2, 3, 4, 5, 0, TimeSpan.Zero));
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-enrolment-");
    private Unit _unit = null!;

    public async ValueTask DisposeAsync()
    {
        await _unit.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task AFreshUnitHasTwoTrialTokens()
    {
        await BootAsync("a");
        var tokens = _unit.Enrolment.Tokens();
        Assert.Equal(2, tokens.Count);
        Assert.All(tokens, row => Assert.Matches("^FTKMOB[0-9A-F]{10}$", row.Token.Serial));
        Assert.All(tokens, row => Assert.Equal(TokenStatus.New, row.Status));
        Assert.Matches("set license \"FTMTRIAL[0-9A-F]{8}\"", Type("show user fortitoken"));
        // Not again: a unit whose tokens were deleted boots without them.
        Type("config user fortitoken\npurge\ny\nend");
        await _unit.DisposeAsync();
        await BootAsync("a");
        Assert.Empty(_unit.Enrolment.Tokens());
    }

    /// <summary>A power cut at each distinguishable moment. The unit boots from the state that was on the disk then.</summary>
    [Fact]
    public async Task WhatWasToldSurvivesThePowerCut()
    {
        await BootAsync("a");
        var serial = Assign();
        var code = (await _unit.Enrolment.ProvisionAsync(serial)).Order!.Code;
        await CutAsync("b");
        Assert.Equal(TokenStatus.Provisioning, Status(serial));
        var answer = await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, "phone", "ios 18"));
        Assert.Equal((0, serial, "eve"), (answer.ErrorCode, answer.Serial, answer.User));
        await CutAsync("c");
        Assert.Equal(TokenStatus.Provisioned, Status(serial));
        Assert.Equal(answer.Seed!.Secret, _unit.Activations().Single(activation => activation.Serial == serial).Seed);
        Assert.Equal(
            EnrolmentAnswer.CodeInvalid,
            (await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, "other", "ios 18"))).ErrorCode
        );
        await CutAsync("d");
        Assert.Equal(TokenStatus.AlreadyActivated, Status(serial));
        Type("config user local\nedit eve\nset two-factor disable\nnext\nend");
        await CutAsync("e");
        Assert.Equal(TokenStatus.New, Status(serial));
        Assert.Equal(
            EnrolmentAnswer.CodeInvalid,
            (await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, "other", "ios 18"))).ErrorCode
        );
        Assert.Equal(TokenStatus.New, Status(serial));
    }

    /// <summary>A cut between the saves of the configuration and of the state: the phone received no reply and may try again.</summary>
    [Fact]
    public async Task APhoneThatWasToldNothingTriesAgain()
    {
        await BootAsync("a");
        var serial = Assign();
        var code = (await _unit.Enrolment.ProvisionAsync(serial)).Order!.Code;
        var before = Image();
        Assert.Equal(0, (await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, "phone", "ios 18"))).ErrorCode);
        var after = Image();
        await _unit.DisposeAsync();
        Write(
            "b",
            [
                .. before.Where(file => file.Name.StartsWith("state.db", StringComparison.Ordinal)),
                .. after.Where(file => !file.Name.StartsWith("state.db", StringComparison.Ordinal)),
            ]
        );
        await BootAsync("b");
        Assert.Equal(TokenStatus.Provisioning, Status(serial));
        var answer = await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, "again", "ios 18"));
        Assert.Equal(0, answer.ErrorCode);
        Assert.Equal(answer.Seed!.Secret, _unit.Activations().Single(activation => activation.Serial == serial).Seed);
        Assert.Equal(TokenStatus.Provisioned, Status(serial));
    }

    [Fact]
    public async Task OneCodeAndManyPhones()
    {
        await BootAsync("a");
        var serial = Assign();
        var code = (await _unit.Enrolment.ProvisionAsync(serial)).Order!.Code;
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(phone => Task.Run(() => _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, $"phone-{phone}", "ios 18"))))
        );
        Assert.Single(answers, answer => answer.ErrorCode == 0);
        Assert.Equal(19, answers.Count(answer => answer.ErrorCode == EnrolmentAnswer.CodeInvalid));
    }

    [Theory]
    [InlineData("set status lock")]
    [InlineData("set seed 3132333435363738393031323334353637383930")]
    public async Task AnActivationThatIsVoidGivesNoSeed(string change)
    {
        await BootAsync("a");
        var serial = Assign();
        var code = (await _unit.Enrolment.ProvisionAsync(serial)).Order!.Code;
        Assert.DoesNotContain("fail", Type($"config user fortitoken\nedit {serial}\n{change}\nnext\nend"), StringComparison.Ordinal);
        var answer = await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, "phone", "ios 18"));
        Assert.NotEqual(0, answer.ErrorCode);
        Assert.Null(answer.Seed);
    }

    [Theory]
    [InlineData("", "phone", "ios 18")]
    [InlineData("AAAAAAAAAAAAAAAA", "", "ios 18")]
    [InlineData("AAAAAAAAAAAAAAAA", "a\"b", "ios 18")]
    [InlineData("AAAAAAAAAAAAAAAA", "phone", "")]
    [InlineData("AAAAAAAAAAAAAAAA", "phone", "a version that is too long")]
    [InlineData("AAAAAAAAAAAAAAAA", "phone", "ios\n18")]
    public async Task ABadRequestIsRefusedWithTheServicesError(string code, string registration, string version)
    {
        await BootAsync("a");
        Assert.Equal(
            EnrolmentAnswer.CodeInvalid,
            (await _unit.Enrolment.EnrolAsync(new PhoneEnrolment(code, registration, version))).ErrorCode
        );
    }

    private string Assign()
    {
        var serial = _unit.Enrolment.Tokens()[0].Token.Serial;
        Assert.DoesNotContain(
            "fail",
            Type(
                $"config user local\nedit eve\nset type password\nset passwd x\nset two-factor fortitoken\nset fortitoken {serial}\nnext\nend"
            ),
            StringComparison.Ordinal
        );
        Assert.Equal(TokenStatus.Provisioning, Status(serial));
        return serial;
    }

    private TokenStatus Status(string serial) => _unit.Enrolment.Tokens().Single(row => row.Token.Serial == serial).Status;

    private string Type(string script) => ConsoleStream.TranscriptAsync(_unit.OpenConsole(), script).GetAwaiter().GetResult();

    private async Task BootAsync(string state)
    {
        INic[] nics = [new SimNic(new SimNetwork(), "port1", IPAddress.Parse("10.0.0.1"))];
        _unit = await Unit.StartAsync(
            new UnitOptions(Path.Combine(_folder.FullName, state), nics, _time, new NoPhones(), Factory, NullLoggerFactory.Instance)
        );
        State = state;
    }

    private string State { get; set; } = "";

    /// <summary>Copies the files that a power cut would leave, as they are, without a clean end.</summary>
    private async Task CutAsync(string next)
    {
        Write(next, Image());
        await _unit.DisposeAsync();
        await BootAsync(next);
    }

    private IReadOnlyList<(string Name, byte[] Content)> Image()
    {
        var folder = Path.Combine(_folder.FullName, State);
        return
        [
            .. Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith("-shm", StringComparison.Ordinal))
                .Select(file => (Path.GetRelativePath(folder, file), Read(file))),
        ];
    }

    private static byte[] Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    private void Write(string state, IReadOnlyList<(string Name, byte[] Content)> files)
    {
        foreach (var (name, content) in files)
        {
            var file = Path.Combine(_folder.FullName, state, name);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, content);
        }
    }

    private sealed class NoPhones : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no phone"));
    }
}
