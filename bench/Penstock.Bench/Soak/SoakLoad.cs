using System.Net.Http.Headers;
using System.Text;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Soak;

/// <summary>Starts generations at a rate and reads them as clients do: in three protocols, natively and unwatched, with some that leave in the middle.</summary>
sealed class SoakLoad(int port, BenchModel model) : IDisposable
{
    readonly HttpClient _client = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30) }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromMinutes(2) };
    int _running;
    long _ended, _failed;

    public int Running => Volatile.Read(ref _running);

    public long Ended => Volatile.Read(ref _ended);

    public long Failed => Volatile.Read(ref _failed);

    /// <summary>The first thing that went wrong, or null.</summary>
    public string? FirstFailure { get; private set; }

    public async Task RunAsync(double rate, TimeSpan time, CancellationToken cancellation)
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (long number = 0; ; number++)
        {
            var due = TimeSpan.FromSeconds(number / rate);
            if (due >= time) return;
            var wait = due - System.Diagnostics.Stopwatch.GetElapsedTime(start);
            if (wait > TimeSpan.FromMilliseconds(1)) await Task.Delay(wait, cancellation);
            _ = OneAsync(number, cancellation);
        }
    }

    public void Dispose() => _client.Dispose();

    async Task OneAsync(long number, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _running);
        try
        {
            switch (number % 10)
            {
                case < 4:
                    await ReadAsync(ClientWire.ChatCompletions, leaves: false, cancellation);
                    break;
                case < 6:
                    await ReadAsync(ClientWire.Messages, leaves: false, cancellation);
                    break;
                case < 8:
                    await ReadAsync(ClientWire.Gemini, leaves: false, cancellation);
                    break;
                case 8:
                    await ReadAsync(ClientWire.ChatCompletions, leaves: true, cancellation);
                    break;
                default:
                    await WatchAsync(cancellation);
                    break;
            }

            Interlocked.Increment(ref _ended);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException or InvalidOperationException)
        {
            if (cancellation.IsCancellationRequested) return;
            Interlocked.Increment(ref _failed);
            FirstFailure ??= e.Message;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    async Task ReadAsync(ClientWire wire, bool leaves, CancellationToken cancellation)
    {
        using var response = await PostAsync(wire.Path("up/" + model), wire.Body("up/" + model), cancellation);
        if (!await EndsAsync(response, wire.Ending, leaves, cancellation) && !leaves) throw new InvalidOperationException($"{wire.Path("")}: the reply has no ending");
    }

    // Starts one in the background, and joins it late.
    async Task WatchAsync(CancellationToken cancellation)
    {
        string id;
        using (var response = await PostAsync("/v1/generations", $$"""{"model":"up/{{model}}","prompt":"Say something.","background":true}""", cancellation))
            id = response.Headers.GetValues("Penstock-Generation").First();
        using var events = await _client.GetAsync(new Uri($"/v1/generations/{id}/events?snapshot=true", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (!await EndsAsync(events, "\"finished\"", leaves: false, cancellation)) throw new InvalidOperationException("the events have no ending");
    }

    async Task<HttpResponseMessage> PostAsync(string path, string body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };
        var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        return response.EnsureSuccessStatusCode();
    }

    static async Task<bool> EndsAsync(HttpResponseMessage response, string ending, bool leaves, CancellationToken cancellation)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[8192];
        var mark = Encoding.ASCII.GetBytes(ending);
        var kept = 0;
        var ended = false;
        int count;
        while ((count = await body.ReadAsync(buffer.AsMemory(kept), cancellation)) > 0)
        {
            if (leaves) return false;
            var have = kept + count;
            ended |= buffer.AsSpan(0, have).IndexOf(mark) >= 0;
            kept = Math.Min(have, mark.Length - 1);
            buffer.AsSpan(have - kept, kept).CopyTo(buffer);
        }

        return ended;
    }
}
