using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Penstock.Bench.Scale;

/// <summary>Generations that one gateway starts and another stops: how long until the provider's connection is closed.</summary>
static class StopRun
{
    /// <summary>How many are running while one after another is stopped.</summary>
    const int Running = 50;

    /// <param name="net">The nodes.</param>
    /// <param name="upstream">The provider <c>stop</c>.</param>
    /// <param name="stops">How many to stop.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Milliseconds from the write of the stop to the close, in order.</returns>
    public static async Task<List<double>> MeasureAsync(ScaleNet net, StopUpstream upstream, int stops, CancellationToken cancellation)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        var running = new Queue<(int Number, string Id)>();
        var took = new List<double>();
        for (var number = 0; number < stops + Running; number++)
        {
            if (number < stops) running.Enqueue((number, await StartAsync(client, net, number, cancellation)));
            if (running.Count < Running && number < stops) continue;
            var (stopped, id) = running.Dequeue();
            await upstream[stopped].Begun.Task.WaitAsync(TimeSpan.FromSeconds(10), cancellation);
            var sent = Stopwatch.GetTimestamp();
            var reply = PostAsync(client, net.Port("gateway-2"), $"/v1/generations/{id}/stop", "{}", cancellation);
            var closed = await upstream[stopped].ClosedAt.Task.WaitAsync(TimeSpan.FromSeconds(10), cancellation);
            took.Add(Stopwatch.GetElapsedTime(sent, closed).TotalMilliseconds);
            await reply;
            if (running.Count == 0) break;
        }

        took.Sort();
        return took;
    }

    static async Task<string> StartAsync(HttpClient client, ScaleNet net, int number, CancellationToken cancellation)
    {
        using var snapshot = JsonDocument.Parse(await PostAsync(
            client, net.Port("gateway-1"), "/v1/generations", $$"""{"model":"stop/m","prompt":"stop-{{number}}","background":true}""", cancellation));
        return snapshot.RootElement.GetProperty("id").GetString()!;
    }

    static async Task<string> PostAsync(HttpClient client, int port, string path, string json, CancellationToken cancellation)
    {
        using var content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await client.PostAsync(new Uri($"http://127.0.0.1:{port}{path}"), content, cancellation);
        var body = await response.Content.ReadAsStringAsync(cancellation);
        return response.IsSuccessStatusCode ? body : throw new InvalidOperationException($"{path} answered {(int)response.StatusCode}: {body}");
    }
}
