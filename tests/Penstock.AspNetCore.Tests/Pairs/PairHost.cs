using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Protocols;
using Penstock.Testing;

[assembly: AssemblyFixture(typeof(PairHost))]

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>
/// One server for all pairs, with a provider of each protocol behind it that bears the protocol's name. Each case registers
/// its script under a model of its own, so that cases run beside one another.
/// </summary>
public sealed class PairHost : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, UpstreamScript> _scripts = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<UpstreamCall>> _calls = new();
    private ScriptedUpstream _upstream = null!;
    private PenstockHost _host = null!;
    private int _cases;

    /// <summary>Settings beside the providers.</summary>
    public IReadOnlyList<(string Key, string Value)> Settings { get; init; } = [];

    /// <summary>Services of the test's own, such as tools.</summary>
    internal Action<Microsoft.Extensions.DependencyInjection.IServiceCollection>? Services { get; init; }

    public Api Api => _host.Api;

    public Uri Url => _host.Url;

    public async ValueTask InitializeAsync()
    {
        _upstream = ScriptedUpstream.Start(PlayAsync);
        var settings = new List<(string, string)>();
        foreach (var provider in ProviderWire.All)
        {
            settings.Add(($"Providers:{provider.Name}:Protocol", provider.Name));
            settings.Add(($"Providers:{provider.Name}:BaseUrl", _upstream.BaseUrl));
            settings.Add(($"Providers:{provider.Name}:ApiKey", PenstockSettings.ApiKey));
        }

        _host = await PenstockHost.StartAsync(_upstream, services => Services?.Invoke(services), [.. settings, .. Settings]);
    }

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _host.DisposeAsync();
    }

    /// <summary>Makes an <see cref="Ask"/> that the script answers, as the protocol's provider.</summary>
    internal Ask Prepare(ProviderWire provider, UpstreamScript script, Ask? ask = null)
    {
        var model = $"case{Interlocked.Increment(ref _cases)}";
        _scripts[model] = script;
        _calls[model] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return (ask ?? new Ask()) with { Model = $"{provider.Name}/{model}" };
    }

    /// <summary>The call that the provider got for it, waiting for it to come.</summary>
    internal Task<UpstreamCall> CallAsync(Ask ask) => _calls[ask.Model.Split('/')[1]].Task.WaitAsync(Eventually.Limit);

    /// <summary>Whether a provider was called for it at all.</summary>
    internal bool WasCalled(Ask ask) => _calls[ask.Model.Split('/')[1]].Task.IsCompleted;

    /// <summary>Asks, and reads the reply to its end.</summary>
    internal async Task<PairReply> AskAsync(ClientWire client, Ask ask, Action<JsonObject>? change = null)
    {
        using var reply = await RawReply.SendAsync(client.Request(Api, ask, change)).WaitAsync(Eventually.Limit);
        return new PairReply(client, ask.Way, reply.Status, reply.Headers, await reply.TextAsync());
    }

    private Task PlayAsync(UpstreamCall call)
    {
        var model = call.Model.Length > 0 ? call.Model : call.Path.Split("/models/")[1].Split(':')[0]; // Gemini's stands in the path
        _calls[model].TrySetResult(call);
        return _scripts[model](call);
    }
}

/// <summary>What came back.</summary>
internal sealed record PairReply(ClientWire Client, string Way, int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public IReadOnlyList<SseEvent> Events => Way == "array"
        ? [.. JsonNode.Parse(Body)!.AsArray().Select(item => new SseEvent(null, "message", item!.ToJsonString(), ""))]
        : [.. new SseEvents().Feed(Encoding.UTF8.GetBytes(Body))];

    /// <summary>The names that <c>Penstock-Dropped</c> lists.</summary>
    public string Dropped => Headers.TryGetValue("Penstock-Dropped", out var names) ? names : "";

    /// <summary>The answer as the client understands it.</summary>
    public Answer Answer()
    {
        Status.ShouldBe(200, Body);
        Headers["Content-Type"].ShouldStartWith(Way == "stream" ? "text/event-stream" : "application/json");
        try
        {
            return Way == "document" ? Client.ReadWhole(JsonNode.Parse(Body)!) : Client.ReadStream(Events);
        }
        catch (Exception e) when (e is ShouldAssertException or InvalidOperationException or NullReferenceException)
        {
            throw new InvalidOperationException($"{e.Message}\n\nThe reply was:\n{Body}", e);
        }
    }

    /// <summary>The message of the error that it is.</summary>
    public string Error() => Client.ReadError(Status, JsonNode.Parse(Body)!);
}

/// <summary>The sixteen pairs, as theory data.</summary>
internal static class PairData
{
    public static readonly string[] Protocols = [.. ProviderProtocols.Names];

    public static IEnumerable<(string Client, string Provider)> Pairs => from client in Protocols from provider in Protocols select (client, provider);

    /// <summary>Every pair, streaming and not: client, provider, and <see cref="Ask.Way"/>.</summary>
    public static TheoryData<string, string, string> BothWays => [.. from p in Pairs from way in WaysOf(p.Client) select (p.Client, p.Provider, way)];

    public static TheoryData<string, string> Streaming => [.. Pairs];

    /// <summary>The ways in which a protocol's client gets an answer.</summary>
    public static string[] WaysOf(string client) => client == "gemini" ? ["stream", "document", "array"] : ["stream", "document"];
}
