using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Penstock.AspNetCore;

namespace Penstock.Testing;

/// <summary>The server in this process, on real Kestrel at a free port, with an upstream that does what the test says.</summary>
public sealed class PenstockHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly LogLines _log = new();
    private readonly string? _folder;

    private readonly bool _ownsUpstream;

    private PenstockHost(ScriptedUpstream upstream, bool ownsUpstream, PenstockSettings settings, Action<IServiceCollection>? services)
    {
        Upstream = upstream;
        _ownsUpstream = ownsUpstream;
        _folder = settings["Storage:Kind"] == "memory" ? null : settings.UseTemporaryFolder();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear(); // the machine's environment is not part of a test
        builder.Configuration.AddInMemoryCollection(settings.Values);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        builder.Logging.ClearProviders().AddProvider(_log).SetMinimumLevel(LogLevel.Debug);
        services?.Invoke(builder.Services); // what comes first is kept
        builder.Services.AddPenstock(builder.Configuration);
        builder.Services.AddPenstockTransport();
        _app = builder.Build();
        _app.MapPenstock();
    }

    public ScriptedUpstream Upstream { get; }

    public Api Api { get; private set; } = null!;

    public Uri Url { get; private set; } = null!;

    /// <summary>What the server is made of.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>All that was logged so far, from debug up.</summary>
    public string Log => string.Join('\n', _log.Lines);

    /// <summary>Starts a server whose models <c>up/…</c>, the default among them, are answered by the script.</summary>
    public static async Task<PenstockHost> StartAsync(UpstreamScript? script = null, string storage = "memory", params (string Key, string Value)[] settings)
    {
        var upstream = ScriptedUpstream.Start(script);
        return await StartAsync(upstream, ownsUpstream: true, services: null, storage, settings);
    }

    /// <summary>Starts one of several servers with an upstream in common, with services of the test's own, such as a store.</summary>
    public static Task<PenstockHost> StartAsync(ScriptedUpstream upstream, Action<IServiceCollection> services, params (string Key, string Value)[] settings) =>
        StartAsync(upstream, ownsUpstream: false, services, "memory", settings);

    private static async Task<PenstockHost> StartAsync(
        ScriptedUpstream upstream, bool ownsUpstream, Action<IServiceCollection>? services, string storage, (string Key, string Value)[] settings)
    {
        var all = PenstockSettings.For(upstream, storage).With("DefaultModel", "up/scripted");
        foreach (var (key, value) in settings) all[key] = value;
        var host = new PenstockHost(upstream, ownsUpstream, all, services);
        await host._app.StartAsync();
        host.Url = new Uri(host._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        host.Api = new Api(host.Url);
        return host;
    }

    /// <summary>Stops the server as SIGTERM would.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        if (_ownsUpstream) await Upstream.DisposeAsync(); // what still runs fails at once, so that shutdown waits for nothing
        await _app.DisposeAsync();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
