using System.Reflection;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Sim.Clock;
using Appliance.Sim.Fac;
using Appliance.Sim.Phones;
using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Lab;

/// <summary>What <c>up</c> was asked for.</summary>
/// <param name="State">The state folder.</param>
/// <param name="Configuration">What a fresh state boots; null for the ready-made lab.</param>
/// <param name="BoardFile">The board's description (board.json).</param>
/// <param name="Clock">How time goes; null as the state left it.</param>
/// <param name="LabPort">Port of the lab API; 0 takes a free one.</param>
/// <param name="Personality">The release to behave like; null for the default one.</param>
internal sealed record LabOptions(string State, string? Configuration, string BoardFile, ClockRate? Clock, int LabPort, Personality? Personality = null);

/// <summary>The lab: clock, phones and push cloud, the appliance, and the ways in. Started in this order, stopped in reverse.</summary>
internal sealed class Laboratory : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _running = new();

    public LabApi Api { get; private set; } = null!;

    public LabClock Clock { get; private set; } = null!;

    public ILabUnit Unit { get; private set; } = null!;

    /// <summary>The FortiAuthenticator stand-in; null on a board without one.</summary>
    public FacServer? Authenticator { get; private set; }

    public ReadyJson Ready => ReadyJson.Of(Unit, Api.Address);

    /// <summary>Returns when every listener listens.</summary>
    /// <exception cref="LabFailure">Something the operator can mend.</exception>
    public static async Task<Laboratory> StartAsync(LabOptions options, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var lab = new Laboratory();
        try
        {
            await lab.BringUpAsync(options, logs, cancellationToken);
            return lab;
        }
        catch (Exception failure)
        {
            await lab.DisposeAsync();
            if (LabFailure.From(failure) is { } known && !ReferenceEquals(known, failure))
            {
                throw known;
            }
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_running.TryPop(out var part))
        {
            await part.DisposeAsync();
        }
    }

    private async Task BringUpAsync(LabOptions options, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var log = logs.CreateLogger("lab");
        var state = Own(StateFolder.Open(options.State));
        Clock = Own(LabClock.Open(Path.Combine(state.Path, "clock.json"), options.Clock));
        var phones = Own(new PhoneFleet(Clock, log));
        var nics = NicsOf(options.BoardFile);
        var firstConfiguration = options.Configuration is { } file ? await ReadAsync(file, cancellationToken) : DefaultConfiguration(options.Personality);
        Api = Own(await LabApi.StartAsync(options.LabPort, Clock, phones, log, cancellationToken));
        var cloud = new PushCloud(phones, Clock);
        if (await FacSettingsOfAsync(options.BoardFile, cancellationToken) is { } settings)
        {
            Authenticator = Own(await FacServer.StartAsync(settings, new SocketNic("fac", settings.Address), Path.Combine(state.Path, "fac"), Clock, log, cancellationToken: cancellationToken));
            Authenticator.Connect(cloud);
        }
        var unit = Own(await Firmware.Unit.StartAsync(
            new UnitOptions(state.Path, nics, Clock, cloud, firstConfiguration, logs, options.Personality), cancellationToken));
        Unit = new LabUnit(unit, Authenticator);
        phones.Attach(Unit);
        Own(ConsoleSocket.Listen(state.Path, Unit, log));
        Api.Attach(Unit);
    }

    /// <summary>The ready-made lab, in the appliance's own grammar.</summary>
    internal static string DefaultConfiguration(Personality? personality = null)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("default.conf")!;
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        // From 7.0 on the callback address has another name.
        return (personality ?? Personality.Default).Release.Major < 7 ? text : text.Replace("set server-ip ", "set server ", StringComparison.Ordinal);
    }

    /// <summary>The description of a board that comes with the tool.</summary>
    /// <exception cref="LabFailure">There is none of that name.</exception>
    internal static string BoardFile(string board)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "boards", board, "board.json");
        return board == Path.GetFileName(board) && File.Exists(file) ? file : throw new LabFailure(ExitCode.Usage, $"no board '{board}'");
    }

    /// <summary>What stands beside the board's description in fac.json; null when nothing does.</summary>
    /// <exception cref="LabFailure">It is wrong.</exception>
    internal static async Task<FacSettings?> FacSettingsOfAsync(string boardFile, CancellationToken cancellationToken)
    {
        var file = Path.Combine(Path.GetDirectoryName(boardFile)!, "fac.json");
        if (!File.Exists(file))
        {
            return null;
        }
        try
        {
            return FacSettings.Parse(await File.ReadAllBytesAsync(file, cancellationToken));
        }
        catch (FormatException error)
        {
            throw new LabFailure(ExitCode.ConfigurationInvalid, $"{file}: {error.Message}", error);
        }
    }

    private static IReadOnlyList<INic> NicsOf(string boardFile) => [.. Board.Load(boardFile).Nics.Select(nic => new SocketNic(nic.Name, nic.Address, nic.Device))];

    private static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Missing, $"--config: {e.Message}", e);
        }
    }

    private T Own<T>(T part)
        where T : class
    {
        _running.Push(part as IAsyncDisposable ?? new Synchronous((IDisposable)part));
        return part;
    }

    private sealed class Synchronous(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
