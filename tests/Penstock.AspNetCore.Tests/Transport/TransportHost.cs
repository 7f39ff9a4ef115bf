using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Penstock.AspNetCore.Configuration;
using Penstock.Transport;

namespace Penstock.AspNetCore.Tests.Transport;

/// <summary>Bare Kestrel on a transport, with endpoints that show what the transport does.</summary>
internal sealed class TransportHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _connections;
    private int _waiting;
    private long _written;
    private int _blocked;

    private TransportHost(string transport, IPAddress address, Action<KestrelServerOptions>? configure, bool tls)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(new PenstockOptions { Transport = transport }).AddSingleton(TimeProvider.System).AddPenstockTransport();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinResponseDataRate = null;
            configure?.Invoke(kestrel);
            kestrel.Listen(address, 0, listen =>
            {
                listen.Use(next => async connection =>
                {
                    Interlocked.Increment(ref _connections);
                    ConnectionType = connection.GetType();
                    try
                    {
                        await next(connection);
                    }
                    finally
                    {
                        Interlocked.Decrement(ref _connections);
                    }
                });
                if (tls) listen.UseHttps(NewCertificate());
            });
        });
        _app = builder.Build();
        _app.MapGet("/hello", context => context.Response.WriteAsync($"{context.Connection.RemoteIpAddress} {context.Connection.LocalPort}"));
        _app.MapPost("/echo", async context =>
        {
            // All of it first, since most clients send all before they read.
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), context.RequestAborted);
        });
        _app.MapGet("/bytes/{count:long}", WriteBytesAsync);
        _app.MapGet("/wait", WaitAsync);
        _app.MapGet("/abort", async context =>
        {
            await context.Response.WriteAsync("some");
            await context.Response.Body.FlushAsync();
            await _release.Task;
            context.Abort();
        });
    }

    public IPEndPoint Address { get; private set; } = null!;

    public Uri Url(string path) => new($"http://{Address}{path}");

    /// <summary>Connections that the server has open.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Which transport's connection came last.</summary>
    public Type? ConnectionType { get; private set; }

    /// <summary>Requests that wait at <c>/wait</c>.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>What <c>/bytes</c> has handed over.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>How often a flush of <c>/bytes</c> had to wait.</summary>
    public int Blocked => Volatile.Read(ref _blocked);

    /// <summary>Completes once a request was told that its client has gone.</summary>
    public Task Aborted => _aborted.Task;

    public static async Task<TransportHost> StartAsync(string transport, IPAddress? address = null, Action<KestrelServerOptions>? configure = null, bool tls = false)
    {
        var host = new TransportHost(transport, address ?? IPAddress.Loopback, configure, tls);
        await host._app.StartAsync();
        var url = new Uri(host._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        host.Address = new IPEndPoint(address ?? IPAddress.Loopback, url.Port);
        return host;
    }

    public async Task<Socket> ConnectAsync(int receiveBuffer = 0)
    {
        var socket = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0) socket.ReceiveBufferSize = receiveBuffer;
        await socket.ConnectAsync(Address);
        return socket;
    }

    /// <summary>Lets the requests at <c>/wait</c> reply.</summary>
    public void Release() => _release.TrySetResult();

    public Task StopAsync(CancellationToken patience = default) => _app.StopAsync(patience);

    public async ValueTask DisposeAsync()
    {
        Release();
        await _app.DisposeAsync();
    }

    /// <summary>What <c>/bytes</c> writes.</summary>
    public static byte ByteAt(long index) => (byte)((index * 31) ^ (index >> 12));

    /// <summary>A client that takes any certificate, on the same transport where it is ours.</summary>
    public static HttpMessageInvoker NewTlsClient(string transport) => new(new SocketsHttpHandler
    {
        ConnectCallback = transport == "auto" && EpollLoops.Shared is { } loops ? new EpollConnector(loops).ConnectAsync : null,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    });

    private async Task WriteBytesAsync(HttpContext context)
    {
        var count = long.Parse((string)context.Request.RouteValues["count"]!, System.Globalization.CultureInfo.InvariantCulture);
        context.Response.ContentLength = count;
        context.RequestAborted.Register(() => _aborted.TrySetResult());
        for (var at = 0L; at < count;)
        {
            var length = (int)Math.Min(64 * 1024, count - at);
            var block = context.Response.BodyWriter.GetMemory(length);
            for (var i = 0; i < length; i++) block.Span[i] = ByteAt(at + i);
            context.Response.BodyWriter.Advance(length);
            at += length;
            Interlocked.Add(ref _written, length);
            var flush = context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            if (!flush.IsCompleted) Interlocked.Increment(ref _blocked);
            if ((await flush).IsCompleted) return;
        }
    }

    private async Task WaitAsync(HttpContext context)
    {
        await context.Response.StartAsync();
        Interlocked.Increment(ref _waiting);
        try
        {
            await _release.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("released");
        }
        catch (OperationCanceledException)
        {
            _aborted.TrySetResult();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
