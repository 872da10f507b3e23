using Appliance.Sim.Lab;

namespace Appliance.Sim.Verbs;

/// <summary>
/// FreeRADIUS 3 with as little configuration as answers PAP from a <c>users</c> file: no accounting, no policy, no log of decisions. Room for the requests of
/// many askers in a row: it remembers each for 5 s, and by default so few that it would drop those of the next asker.
/// </summary>
internal static class FreeRadius
{
    private const string Program = "/usr/sbin/freeradius";

    /// <summary>Starts it on 127.0.0.1.</summary>
    /// <param name="folder">An empty folder for its files.</param>
    /// <param name="port">The UDP port.</param>
    /// <param name="secret">What it shares with clients on 127.0.0.1.</param>
    /// <param name="users">Names, passwords and groups.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LabFailure">It is not installed, or does not start.</exception>
    public static async Task<BenchProcess> StartAsync(string folder, int port, string secret, IEnumerable<(string Name, string Password, string Group)> users, CancellationToken cancellationToken)
    {
        if (!File.Exists(Program))
        {
            throw new LabFailure(ExitCode.Missing, "FreeRADIUS is needed to compare with (Debian: freeradius)");
        }
        await File.WriteAllLinesAsync(Path.Combine(folder, "users"), users.Select(user => $"{user.Name} Cleartext-Password := \"{user.Password}\"\n\tFortinet-Group-Name = \"{user.Group}\"\n"), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "radiusd.conf"), $$"""
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

            """, cancellationToken);
        return (await BenchProcess.StartAsync(Program, ["-f", "-l", "stdout", "-d", folder, "-n", "radiusd"], "Ready to process requests", cancellationToken)).Process;
    }
}
