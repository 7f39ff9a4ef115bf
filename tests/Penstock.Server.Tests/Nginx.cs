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

    public static async Task<Nginx> StartAsync(Uri server)
    {
        var folder = Directory.CreateTempSubdirectory("penstock-nginx-").FullName;
        var port = Ports.Free();
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log stderr;
            events { }
            http {
              access_log off;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              server {
                listen 127.0.0.1:{{port}};
                location / {
                  proxy_pass http://{{server.Authority}};
                  proxy_buffering on;
                }
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
