using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;

namespace Appliance.Tests.Config;

/// <summary>A configuration store in a separate folder.</summary>
internal sealed class StoreFolder : IDisposable
{
    public static ConfigSchema Schema { get; } = ConfigSchema.Load(Personality.Default);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-config-");

    public string File => Path.Combine(_folder.FullName, "system.conf");

    public string Folder => _folder.FullName;

    /// <summary>The file of a revision.</summary>
    public string Revision(long number) => Path.Combine(_folder.FullName, "revisions", $"{number:000000}.conf");

    public ConfigStore Open(string first = "", TimeProvider? time = null) =>
        ConfigStore.Open(Schema, File, Key(), first, ConfigRules.Values, time);

    public DeviceKey Key() => DeviceKey.Open(Path.Combine(_folder.FullName, "device.key"));

    public void Dispose() => _folder.Delete(recursive: true);
}
