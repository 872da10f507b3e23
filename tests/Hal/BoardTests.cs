using System.Net;
using Appliance.Hal;
using Xunit;

namespace Appliance.Tests.Hal;

public sealed class BoardTests
{
    private const string Nics = "\"nics\":[{\"name\":\"port1\",\"address\":\"10.0.0.1\"}]";

    [Fact]
    public void ABoardMayNameItsPushProxy()
    {
        Assert.Null(Load($$"""{"name":"b",{{Nics}}}""").PushProxy);
        var proxy = Load($$"""{"name":"b",{{Nics}},"pushProxy":{"addresses":["10.9.9.1:443","10.9.9.2:8443"],"ca":"proxy.pem"} }""").PushProxy!;
        Assert.Equal([IPEndPoint.Parse("10.9.9.1:443"), IPEndPoint.Parse("10.9.9.2:8443")], proxy.Addresses);
        Assert.Equal(("proxy.pem", null), (proxy.AuthorityFile, proxy.Name));
    }

    [Theory]
    [InlineData("""{"addresses":[],"ca":"x"}""", "addresses must be there")]
    [InlineData("""{"addresses":["10.9.9.1"],"ca":"x"}""", "'10.9.9.1' is no address with a port")]
    [InlineData("""{"addresses":["push.example:443"],"ca":"x"}""", "'push.example:443'")]
    [InlineData("""{"addresses":["10.9.9.1:443"]}""", "ca")]
    [InlineData("""{"addresses":["10.9.9.1:443"],"ca":"x","colour":1}""", "colour")]
    public void AMistakeInItIsNamed(string proxy, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => Load($$"""{"name":"b",{{Nics}},"pushProxy":{{proxy}}}""")).Message, StringComparison.Ordinal);

    private static Board Load(string text)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            return Board.Load(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
