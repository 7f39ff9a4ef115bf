using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Client.Tests.Samples;

/// <summary>One server whose default model is quick, and what it says of rivers.</summary>
public sealed class SamplesServer : IAsyncLifetime
{
    public const string Model = "simulated/chat?tps=1000&ttft=0";

    private PenstockProcess _server = null!;

    public Uri Url => _server.Url;

    public string Address => Url.ToString().TrimEnd('/');

    public string Text { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        _server = await PenstockProcess.StartAsync(new PenstockSettings { ["Storage:Kind"] = "memory", ["DefaultModel"] = Model });
        using var http = new HttpClient { BaseAddress = Url };
        using var reply = await http.PostAsJsonAsync("v1/chat/completions", new { prompt = "Tell me about rivers." });
        Text = (string)JsonNode.Parse(await reply.Content.ReadAsStringAsync())!["choices"]![0]!["message"]!["content"]!;
        Text.Length.ShouldBeGreaterThan(1400);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
