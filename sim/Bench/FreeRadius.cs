using Appliance.Doubles.Failures;

namespace Appliance.Bench;

/// <summary>
/// FreeRADIUS 3 with the least configuration that answers PAP from a <c>users</c> file: no accounting, no policy, no log of decisions. It
/// has room for
/// the requests of many clients in a row: it stores each for 5 s, and its default limit would drop those of the next client.
/// </summary>
internal static class FreeRadius
{
    private const string Program = "/usr/sbin/freeradius";

    /// <summary>Starts the server on 127.0.0.1.</summary>
    /// <param name="folder">An empty folder for its files.</param>
    /// <param name="port">The UDP port.</param>
    /// <param name="secret">The secret shared with clients on 127.0.0.1.</param>
    /// <param name="users">Names, passwords and groups.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="LabFailure">FreeRADIUS is not installed, or does not start.</exception>
    public static async Task<BenchProcess> StartAsync(
        string folder,
        int port,
        string secret,
        IEnumerable<(string Name, string Password, string Group)> users,
        CancellationToken cancellationToken
    )
    {
        if (!File.Exists(Program))
        {
            throw new LabFailure(FailureKind.Missing, "FreeRADIUS is needed to compare with (Debian: freeradius)");
        }
        await File.WriteAllLinesAsync(
            Path.Combine(folder, "users"),
            users.Select(user => $"{user.Name} Cleartext-Password := \"{user.Password}\"\n\tFortinet-Group-Name = \"{user.Group}\"\n"),
            cancellationToken
        );
        await File.WriteAllTextAsync(
            Path.Combine(folder, "radiusd.conf"),
            Configuration(folder, port, secret),
            cancellationToken
        );
        return (
            await BenchProcess.StartAsync(
                Program,
                ["-f", "-l", "stdout", "-d", folder, "-n", "radiusd"],
                "Ready to process requests",
                cancellationToken
            )
        ).Process;
    }

    private static string Configuration(string folder, int port, string secret) =>
        $$"""
        prefix = /usr
        logdir = {{folder}}
        run_dir = {{folder}}
        db_dir = {{folder}}
        libdir = /usr/lib/freeradius
        hostname_lookups = no
        max_requests = 65536
        log {
            destination = stdout
        }
        security {
            max_attributes = 200
            reject_delay = 0
            status_server = no
        }
        thread pool {
            start_servers = 2
            max_servers = 4
            min_spare_servers = 1
            max_spare_servers = 2
            max_requests_per_server = 0
        }
        modules {
            files {
                usersfile = {{folder}}/users
            }
            pap {
            }
        }
        client load {
            ipaddr = 127.0.0.1
            secret = {{secret}}
        }
        server default {
            listen {
                type = auth
                ipaddr = 127.0.0.1
                port = {{port}}
            }
            authorize {
                files
                pap
            }
            authenticate {
                Auth-Type PAP {
                    pap
                }
            }
        }

        """;
}
