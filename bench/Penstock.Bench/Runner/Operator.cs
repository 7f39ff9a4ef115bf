using System.Globalization;
using System.Net;

namespace Penstock.Bench.Runner;

/// <summary>
/// Who runs a gateway: takes what it sends by OTLP, scrapes its metrics every five seconds, and every ten collects the usage of
/// the answers that have ended. Each of these has to work, or the gateway was measured without what it is measured with.
/// </summary>
sealed class Operator : IDisposable
{
    static readonly TimeSpan _every = TimeSpan.FromSeconds(5), _answersEndIn = TimeSpan.FromSeconds(8);

    readonly HttpListener _listener = new();
    readonly HttpClient _client = new();
    readonly CancellationTokenSource _over = new();
    readonly Uri _gateway;
    long _traces, _metrics, _scraped, _collected; // bytes
    string? _failure;

    /// <param name="gatewayPort">Where the gateway will listen.</param>
    /// <param name="key">The key of an operator.</param>
    /// <param name="environment">The gateway's, which is told where to send.</param>
    public Operator(int gatewayPort, string key, Dictionary<string, string> environment)
    {
        _gateway = new Uri($"http://127.0.0.1:{gatewayPort}");
        _client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports.Free()}/");
        _listener.Prefixes.Add(address);
        _listener.Start();
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = address;
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        environment["OTEL_METRIC_EXPORT_INTERVAL"] = "5000";
        _ = TakeAsync();
    }

    /// <summary>The gateway is there.</summary>
    public void Begin() => _ = AskAsync();

    /// <exception cref="InvalidOperationException">Something has not come since the last time.</exception>
    public void Check()
    {
        if (_failure is not null) throw new InvalidOperationException($"the operator of {_gateway} failed: {_failure}");
        var (traces, metrics) = (Interlocked.Exchange(ref _traces, 0), Interlocked.Exchange(ref _metrics, 0));
        var (scraped, collected) = (Interlocked.Exchange(ref _scraped, 0), Interlocked.Exchange(ref _collected, 0));
        if (Math.Min(Math.Min(traces, metrics), Math.Min(scraped, collected)) == 0)
            throw new InvalidOperationException($"the operator of {_gateway} got {traces} bytes of traces, {metrics} of metrics, {scraped} by scraping and {collected} of usage");
    }

    public void Dispose()
    {
        _over.Cancel();
        _listener.Close();
        _client.Dispose();
        _over.Dispose();
    }

    async Task TakeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var sent = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(sent);
                context.Response.Close();
                Interlocked.Add(ref context.Request.RawUrl == "/v1/traces" ? ref _traces : ref _metrics, sent.Length);
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    async Task AskAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(_every);
            var since = DateTimeOffset.UtcNow;
            for (var turn = 1; await timer.WaitForNextTickAsync(_over.Token); turn++)
            {
                Interlocked.Add(ref _scraped, await ReadAsync("/metrics"));
                if (turn % 2 != 0) continue;
                var until = DateTimeOffset.UtcNow - _answersEndIn;
                if (until <= since) continue;
                Interlocked.Add(ref _collected, await ReadAsync($"/v1/usage?since={since.UtcDateTime:O}&until={until.UtcDateTime:O}"));
                since = until;
            }
        }
        catch (Exception) when (_over.IsCancellationRequested)
        {
            // It is over.
        }
        catch (Exception e)
        {
            _failure = e.Message;
        }
    }

    async Task<int> ReadAsync(string path) => (await _client.GetByteArrayAsync(new Uri(_gateway, path), _over.Token)).Length;
}
