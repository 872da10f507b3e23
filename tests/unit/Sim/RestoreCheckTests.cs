using System.Text;
using System.Text.Json;
using Appliance.Firmware.Config;
using Appliance.Tool;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary><c>restore FILE --check</c>: a backup of another device, line by line.</summary>
public sealed class RestoreCheckTests
{
    private const string Backup = """
        #config-version=FGT60F-7.4.7-FW-build2731-250120:opmode=0:vdom=0:user=admin
        #conf_file_ver=81234567890
        #buildno=2731
        #global_vdom=1
        config system global
            set alias "FGT60F"
            set hostname "branch"
            set no-such-thing enable
        end
        config system interface
            edit "wan1"
                set vdom "root"
                set allowaccess ping ftm
                set description "two
        lines"
            next
            edit "port1"
                set vdom "root"
                set ip 10.0.0.999 255.255.255.0
            next
        end
        config user local
            edit "ann"
                set type password
                set passwd ENC bm90IG1hZGUgaGVyZSwgb3IgYW55d2hlcmUgZWxzZQ==
            next
        end
        config webfilter profile
            edit "default"
                config ftgd-wf
                    set options error-allow
                end
            next
        end
        config router static
            edit 1
                set gateway 10.0.0.1
                set device "wan1"
            next
        end

        """;

    [Fact]
    public void EveryLineAndBlockIsTold()
    {
        var report = RestoreVerb.Check("branch.conf", Encoding.UTF8.GetBytes(Backup), Personality.Find("7.4")!, "desktop");
        Assert.Equal(40, report.Lines);
        Assert.Null(report.Refused);
        Assert.Equal(
            [
                new IgnoredLine(0, "the file leaves no administrator with profile super_admin: this unit's administrators stay"),
                new IgnoredLine(8, "command parse error before 'no-such-thing'"),
                new IgnoredLine(11, "node_check_object fail! for name wan1", 16),
                new IgnoredLine(19, "invalid ip address"),
                new IgnoredLine(25, "the value was not encrypted by this unit; nothing matches the value until another one is set"),
                new IgnoredLine(28, "no such table in this version: webfilter profile", 34),
                new IgnoredLine(38, "entry not found in datasource: router static device wan1"),
            ],
            report.Ignored
        );
        var json = JsonDocument.Parse(JsonSerializer.Serialize(report, RestoreJson.Default.RestoreReport)).RootElement;
        Assert.Equal("7.4", json.GetProperty("personality").GetString());
        Assert.Equal(
            (11, 16),
            (json.GetProperty("ignored")[2].GetProperty("number").GetInt32(), json.GetProperty("ignored")[2].GetProperty("last").GetInt32())
        );
    }
}
