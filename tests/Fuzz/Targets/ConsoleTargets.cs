using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Validation;
using Appliance.Lab.Composition;

namespace Appliance.Tests.Fuzz;

/// <summary>The readers of an administrator's input (lines, keys, files, seeds) and of the answers of RADIUS servers.</summary>
internal static class ConsoleTargets
{
    private static readonly IPEndPoint Server = IPEndPoint.Parse("10.0.0.10:1812");
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("cli-line", "lines of a script at the console of the ready-made lab: a text", () => new Console().Script)
        {
            AllocationBase = 32 * 1024 * 1024,
            LengthMax = 1024,
        },
        new("terminal", "keys of a terminal: what its screen gets", () => new Console().Keys)
        {
            AllocationBase = 32 * 1024 * 1024,
            LengthMax = 256,
        },
        new("config-file", "a configuration file: its lines that are not understood", ConfigFile) { AllocationBase = 4 * 1024 * 1024 },
        new(
            "seed-file",
            "a seed file (lines or PSKC): SeedFileException names what is wrong",
            () => input => ProviderTargets.Refused<SeedFileException>(() => SeedFile.Read(input, new byte[16]))
        )
        {
            AllocationBase = 256 * 1024,
        },
        new("otpauth", "a seed as typed: null when it is none", () => input => TokenSeed.Parse(Encoding.UTF8.GetString(input))),
        new("radius", "a datagram: a defect, or a packet that can be walked, checked and shown", Radius)
        {
            LengthMax = RadiusPacket.LengthMax + 16,
        },
        new("radius-answer", "a datagram to a client that waits for one, signed where it is a packet: ignored, or a result", RadiusAnswer)
        {
            LengthMax = RadiusPacket.LengthMax,
        },
    ];

    private static Action<byte[]> ConfigFile()
    {
        var schema = ConfigSchema.Load(Personality.Default);
        return input => ConfigStore.Check(schema, Encoding.UTF8.GetString(input), ConfigRules.Values);
    }

    private static Action<byte[]> Radius()
    {
        var secret = new RadiusSecret("testing123");
        return input =>
        {
            if (RadiusPacket.Parse(input, out var packet) != RadiusDefect.None)
            {
                return;
            }
            RadiusText.Format(packet);
            foreach (var field in packet)
            {
                packet.TryGet(field.Type, out _);
                packet.Count(field.Type);
            }
            packet.TryGetVendor(12356, 1, out _);
            secret.IsSigned(packet, packet.Authenticator);
            secret.IsAccounting(packet);
            Span<byte> answer = stackalloc byte[RadiusPacket.LengthMax];
            var writer = new RadiusWriter(answer, RadiusCode.AccessReject, packet.Identifier, packet.Authenticator, sign: true);
            writer.AddProxyStates(packet);
            writer.EndAnswer(secret);
        };
    }

    private static Action<byte[]> RadiusAnswer()
    {
        var secret = new RadiusSecret("testing123");
        var settings = new RadiusSettings("fac", [new(Server, secret)], [RadiusScheme.Pap, RadiusScheme.MsChap2])
        {
            Timeout = TimeSpan.FromSeconds(5),
            ServerTime = TimeSpan.FromSeconds(5),
            NasId = "fuzz",
        };
        return input =>
        {
            var core = new RadiusClientCore(span => span.Fill(7));
            var asked = core.Start(
                new RadiusQuery("ann", "password", IPAddress.Loopback, "vpn-ssl"),
                settings,
                "port1",
                IPAddress.Loopback,
                Now,
                out _
            ).Sends[0];
            core.Receive("port1", asked.Port, input, Server, Now);
            if (RadiusPacket.Parse(input, out var packet) != RadiusDefect.None)
            {
                return;
            }
            // With valid signatures, because the attributes are read only then.
            var signed = packet.Bytes.ToArray();
            signed[1] = asked.Packet[1];
            RadiusPacket.Parse(signed, out packet);
            if (packet.MessageAuthenticatorOffset() is > 0 and var offset)
            {
                var zeroed = signed.ToArray();
                zeroed.AsSpan(offset, 16).Clear();
                asked.Packet.AsSpan(4, 16).CopyTo(zeroed.AsSpan(4));
                secret.Sign(zeroed, signed.AsSpan(offset, 16));
            }
            Span<byte> authenticator = stackalloc byte[16];
            secret.Digest(signed, asked.Packet.AsSpan(4, 16), authenticator);
            authenticator.CopyTo(signed.AsSpan(4));
            core.Receive("port1", asked.Port, signed, Server, Now);
        };
    }

    /// <summary>The console of a unit whose disk is memory. Every input finds the same configuration.</summary>
    private sealed class Console
    {
        private readonly ConfigStore _store;
        private readonly ConfigTree _first;

        public Console()
        {
            var folder = Directory.CreateTempSubdirectory("appliance-fuzz-").FullName;
            var key = DeviceKey.Open(Path.Combine(folder, "device.key"));
            Directory.Delete(folder, recursive: true);
            _store = ConfigStore.Open(
                ConfigSchema.Load(Personality.Default),
                new NoDisk(),
                "system.conf",
                key,
                LabBoard.DefaultConfiguration(),
                ConfigRules.Values,
                TimeProvider.System
            );
            _first = _store.Current;
        }

        public void Script(byte[] input)
        {
            using var session = new CliSession(_store, []);
            ConsoleStream.TranscriptAsync(session, Encoding.UTF8.GetString(input)).GetAwaiter().GetResult();
            Restore();
        }

        public void Keys(byte[] input)
        {
            using var session = new CliSession(_store, []);
            var console = new TerminalConsole(session, TerminalSize.Usual);
            console.Start();
            for (var at = 0; at < input.Length && !console.Closed;)
            {
                console.Type(input.AsSpan(at), out var used);
                at += used;
            }
            Restore();
        }

        private void Restore()
        {
            if (!ReferenceEquals(_store.Current, _first) && _store.Commit(_ => _first) is { } error)
            {
                throw new InvalidOperationException($"the first configuration is refused: {string.Join(' ', error.Lines)}");
            }
        }
    }

    /// <summary>A disk that keeps the newest of each file.</summary>
    private sealed class NoDisk : IDisk
    {
        private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);

        public IReadOnlyList<string> Names(string folder) =>
            [.. _files.Keys.Where(name => (Path.GetDirectoryName(name) ?? "") == folder).Select(name => Path.GetFileName(name))];

        public byte[]? Read(string file, int most = int.MaxValue) => _files.TryGetValue(file, out var content) ? content : null;

        public void Write(string file, IReadOnlyList<ReadOnlyMemory<byte>> parts) =>
            _files[file] = [.. parts.SelectMany(part => part.ToArray())];

        public void Sync(string file) { }

        public void Rename(string from, string to)
        {
            _files.Remove(from, out var content);
            _files[to] = content!;
        }

        public void Link(string file, string second) => _files.TryAdd(second, _files[file]);

        public void Delete(string file) => _files.Remove(file);

        public void SyncFolder(string folder) { }
    }
}
