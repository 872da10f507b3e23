using System.Diagnostics;
using System.Net;
using System.Text;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>
/// FreeRADIUS as a server, with its raddb in a temporary folder and an address reserved for it. Its users: <c>bob</c> and <c>zoe</c>
/// (password);
/// <c>eve</c> (password, then the codes 123456 and 654321: two challenges); <c>una</c> (a challenge as a FortiAuthenticator's, answered by
/// nothing).
/// </summary>
internal sealed class FreeRadius : IAsyncDisposable
{
    public const string Secret = "testing123";
    private const int Port = 1812;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly LoopbackNetwork _claim = LoopbackNetwork.Claim();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-raddb-");
    private readonly StringBuilder _log = new();
    private Process? _process;

    private FreeRadius(bool signs)
    {
        EndPoint = new IPEndPoint(IPAddress.Parse(_claim.Prefix + ".1"), Port);
        // It checks every Message-Authenticator, and adds none to its replies by default.
        var sign = signs ? "update reply {\n&Message-Authenticator := 0x00\n}" : "";
        File.WriteAllText(
            Path.Combine(_folder.FullName, "users"),
            "bob Cleartext-Password := \"bob-password\"\n    Fortinet-Group-Name = \"staff\", Session-Timeout = 3600\nzoe Cleartext-Password := \"zoe-password\"\n"
        );
        File.WriteAllText(
            Path.Combine(_folder.FullName, "radiusd.conf"),
            $$"""
            prefix = /usr
            libdir = /usr/lib/freeradius
            raddbdir = {{_folder.FullName}}
            run_dir = {{_folder.FullName}}
            logdir = {{_folder.FullName}}
            radacctdir = {{_folder.FullName}}
            pidfile = {{_folder.FullName}}/pid
            correct_escapes = true
            max_requests = 65536
            max_request_time = 5
            cleanup_delay = 2
            hostname_lookups = no
            log {
                destination = stdout
            }
            security {
                reject_delay = 0
                status_server = yes
            }
            thread pool {
                start_servers = 2
                max_servers = 4
                min_spare_servers = 1
                max_spare_servers = 2
            }
            modules {
                pap {
                }
                chap {
                }
                mschap {
                    use_mppe = no
                }
                files {
                    usersfile = {{_folder.FullName}}/users
                }
                always reject {
                    rcode = reject
                }
                always handled {
                    rcode = handled
                }
            }
            client lab {
                ipaddr = 127.0.0.0/8
                secret = {{Secret}}
                require_message_authenticator = yes
            }
            server default {
                listen {
                    type = auth
                    ipaddr = {{EndPoint.Address}}
                    port = {{Port}}
                }
                authorize {
                    {{sign}}
                    if (&State) {
                        if (&State == "eve-1" && &User-Password == "123456") {
                            update reply {
                                &Reply-Message := "And the next one, please"
                                &State := "eve-2"
                            }
                            update control {
                                &Response-Packet-Type := Access-Challenge
                            }
                            handled
                        }
                        elsif (&State == "eve-2" && &User-Password == "654321") {
                            update control {
                                &Auth-Type := Accept
                            }
                        }
                        elsif (&State == "una-1" && &User-Password == "") {
                            update control {
                                &Auth-Type := Accept
                            }
                        }
                        else {
                            reject
                        }
                    }
                    elsif (&User-Name == "eve" && &User-Password == "eve-password") {
                        update reply {
                            &Reply-Message := "Enter token code"
                            &State := "eve-1"
                        }
                        update control {
                            &Response-Packet-Type := Access-Challenge
                        }
                        handled
                    }
                    elsif (&User-Name == "una" && &User-Password == "una-password") {
                        update reply {
                            &Reply-Message := "+Enter token code or no code to send a notification to your FortiToken Mobile"
                            &Fortinet-FAC-Challenge-Code := "001"
                            &State := "una-1"
                        }
                        update control {
                            &Response-Packet-Type := Access-Challenge
                        }
                        handled
                    }
                    else {
                        files
                        chap
                        mschap
                        pap
                    }
                }
                authenticate {
                    Auth-Type PAP {
                        pap
                    }
                    Auth-Type CHAP {
                        chap
                    }
                    Auth-Type MS-CHAP {
                        mschap
                    }
                }
            }
            """
        );
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Starts one; skips the test by name where the program is missing.</summary>
    /// <param name="signs">Whether what it answers has a Message-Authenticator.</param>
    public static async Task<FreeRadius> StartAsync(bool signs = true)
    {
        var server = new FreeRadius(signs);
        try
        {
            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it (again); returns when it serves.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("freeradius", ["-f", "-l", "stdout", "-d", _folder.FullName])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("peer program freeradius is not installed");
        }
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process!.OutputDataReceived += (_, line) =>
        {
            lock (_log)
            {
                _log.AppendLine(line.Data);
            }
            if (line.Data is null)
            {
                ready.TrySetException(new InvalidOperationException($"freeradius ended: {_log}"));
            }
            else if (line.Data.EndsWith("Ready to process requests", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }
        };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await ready.Task.WaitAsync(Patience, BusyMachine.Time);
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _claim.Dispose();
        _folder.Delete(recursive: true);
    }
}
