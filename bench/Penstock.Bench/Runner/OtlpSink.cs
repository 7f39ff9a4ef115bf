using System.Globalization;
using System.Net;

namespace Penstock.Bench.Runner;

/// <summary>Takes what a gateway sends by OTLP, and does nothing with it.</summary>
sealed class OtlpSink : IDisposable
{
    readonly HttpListener _listener = new();

    /// <param name="environment">The gateway's, which is told where to send.</param>
    public OtlpSink(Dictionary<string, string> environment)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports.Free()}/");
        _listener.Prefixes.Add(address);
        _listener.Start();
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = address;
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        environment["OTEL_METRIC_EXPORT_INTERVAL"] = "5000";
        _ = TakeAsync();
    }

    public void Dispose() => _listener.Close();

    async Task TakeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                await context.Request.InputStream.CopyToAsync(Stream.Null);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // It is over.
        }
    }
}
