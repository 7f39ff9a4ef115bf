using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Penstock.Testing;

/// <summary>Takes what is sent by OTLP, over HTTP and by gRPC; the strings in a protobuf message stand there as they are.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly StringBuilder _bodies = new();
    private readonly List<string> _received = [], _tenants = [];

    private OtlpCollector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, Url.Port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, GrpcUrl.Port, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public Uri Url { get; } = new($"http://127.0.0.1:{Ports.Free()}/");

    public Uri GrpcUrl { get; } = new($"http://127.0.0.1:{Ports.Free()}/");

    /// <summary>Method and path of each request.</summary>
    public IReadOnlyList<string> Received
    {
        get
        {
            lock (_received) return [.. _received];
        }
    }

    /// <summary>The header <c>x-tenant</c> of each request.</summary>
    public IReadOnlyList<string> Tenants
    {
        get
        {
            lock (_received) return [.. _tenants];
        }
    }

    public string Bodies
    {
        get
        {
            lock (_received) return _bodies.ToString();
        }
    }

    public static async Task<OtlpCollector> StartAsync()
    {
        var collector = new OtlpCollector();
        await collector._app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        lock (_received)
        {
            _received.Add($"{context.Request.Method} {context.Request.Path}");
            _tenants.Add(context.Request.Headers["x-tenant"].ToString());
            _bodies.Append(Encoding.Latin1.GetString(body.ToArray()));
        }

        if (context.Request.ContentType != "application/grpc") return;
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5]); // an empty message
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
