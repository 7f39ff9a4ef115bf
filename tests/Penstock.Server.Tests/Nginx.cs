using System.Diagnostics;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>An nginx of the test's own before a server, with a proxy's defaults: buffering is on.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private Nginx(Process process, string folder, Uri url) => (_process, _folder, Url) = (process, folder, url);

    public Uri Url { get; }

    public static Task<Nginx> StartAsync(Uri server) => StartAsync("", $"""
        proxy_pass http://{server.Authority};
        proxy_buffering on;
        """);

    /// <summary>One before several servers, which tries another where one refuses, or does not take a connection within two seconds.</summary>
    public static Task<Nginx> BeforeAsync(IEnumerable<Uri> servers) => StartAsync(
        $"upstream penstock {{ {string.Concat(servers.Select(s => $"server {s.Authority} fail_timeout=1s; "))}}}",
        """
        proxy_pass http://penstock;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_connect_timeout 2s;
        proxy_read_timeout 10s;
        """);

    private static async Task<Nginx> StartAsync(string upstream, string location)
    {
        var folder = Directory.CreateTempSubdirectory("penstock-nginx-").FullName;
        var port = Ports.Free();
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log stderr {{(upstream.Length > 0 ? "crit" : "error")}};
            events { }
            http {
              access_log off;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              {{upstream}}
              server {
                listen 127.0.0.1:{{port}};
                location / { {{location}} }
              }
            }
            """);
        var program = File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx";
        var start = new ProcessStartInfo(program, ["-c", configuration, "-p", folder, "-e", "stderr"]) { UseShellExecute = false };
        var nginx = new Nginx(Process.Start(start)!, folder, new Uri($"http://127.0.0.1:{port}/"));
        await Eventually.Is(() => !Ports.IsFree(port), "nginx listens");
        return nginx;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
