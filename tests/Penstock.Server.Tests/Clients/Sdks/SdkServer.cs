using System.Collections.Concurrent;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>
/// One server with a provider of each protocol (<c>chat-completions/…</c>, <c>responses/…</c>, <c>messages/…</c>, <c>gemini/…</c>);
/// each answers by the model's name, in the same words.
/// </summary>
public sealed class SdkServer : IAsyncLifetime
{
    public static readonly IReadOnlyList<string> Text = Tokens.Of("sdk", 30);

    public static readonly IReadOnlyList<string> Reasoning = ["First ", "I think\n", "of \"Oslo\" 好."];

    public const string WeatherArguments = """{"city":"Oslo","unit":"°C"}""";

    public const string Json = """{"city":"Oslo","degrees":21}""";

    public const string Signature = "c2lnbmF0dXJlLTE=";

    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(4);

    private readonly ConcurrentQueue<(Wire Wire, string Model, UpstreamCall Call)> _calls = new();
    private readonly List<ScriptedUpstream> _upstreams = [];

    public PenstockProcess Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var settings = PenstockSettings.For(storage: "disk").With("Generations:Grace", "00:00:00.200").With("DefaultModel", "chat-completions/text");
        foreach (var wire in Wire.All)
        {
            var upstream = ScriptedUpstream.Start(call => AnswerAsync(wire, call));
            _upstreams.Add(upstream);
            settings[$"Providers:{wire.Protocol}:Protocol"] = wire.Protocol;
            settings[$"Providers:{wire.Protocol}:BaseUrl"] = upstream.BaseUrl;
            settings[$"Providers:{wire.Protocol}:ApiKey"] = PenstockSettings.ApiKey;
            settings[$"Providers:{wire.Protocol}:Models:0"] = "text";
        }

        Server = await PenstockProcess.StartAsync(settings);
    }

    /// <summary>Waits until every call for a model at a provider was given up, and says that there was one.</summary>
    public async Task CancelledAsync(string protocol, string model)
    {
        var calls = _calls.Where(c => c.Wire.Protocol == protocol && c.Model == model).ToList();
        calls.ShouldNotBeEmpty();
        foreach (var (_, _, call) in calls) await Eventually.Completes(call.Closed, $"the call for {protocol}/{model} ends");
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        foreach (var upstream in _upstreams) await upstream.DisposeAsync();
    }

    private async Task AnswerAsync(Wire wire, UpstreamCall call)
    {
        if (wire.Other(call) is { } other)
        {
            await call.Json(200, other.ToJsonString());
            return;
        }

        var model = wire.Model(call);
        _calls.Enqueue((wire, model, call));
        switch (model)
        {
            case "busy":
                await call.Json(429, wire.Error(429, "Slow down").ToJsonString(), ("Retry-After", "3"));
                return;
            case "refused":
                await call.Json(401, wire.Error(401, "Bad key").ToJsonString());
                return;
        }

        await wire.PlayAsync(call, Answer(wire, model, call));
        if (model == "broken") await call.Write(wire.ErrorFrame("Broken"));
        if (model == "cut") call.Close();
    }

    private static WireAnswer Answer(Wire wire, string model, UpstreamCall call)
    {
        var request = call.Request!;
        var results = wire.ToolResults(request);
        var says = string.Join("; ", results.Select(r => $"{r.Name}: {r.Text}"));
        WireCall weather = new("call_weather", "get_weather", WeatherArguments), time = new("call_time", "get_time");
        return model switch
        {
            "text" => new WireAnswer { Text = Text },
            "long" => new WireAnswer { Text = Text, IsTooLong = true },
            "reasoning" => new WireAnswer { Reasoning = Reasoning, Text = Text },
            "paced" => new WireAnswer { Reasoning = Reasoning, Signature = Signature, Text = ["I ", "look."], Calls = [weather], Pace = TimeSpan.FromMilliseconds(30) },
            "endless" => new WireAnswer { Text = Tokens.Of("endless", 100_000), Pace = _pace },
            "cut" or "broken" => new WireAnswer { Text = Text, IsCut = true },
            "json" => new WireAnswer { Text = [wire.Schema(request)?["properties"]?["degrees"] is null ? "No schema came." : Json] },

            // Both tools at once, then what they gave.
            "parallel" when wire.Tools(request) is not ["get_weather", "get_time"] => new WireAnswer { Text = ["No tools came."] },
            "parallel" when results.Count == 0 => new WireAnswer { Calls = [weather, time] },
            "parallel" => new WireAnswer { Text = [says] },

            // One tool after the other.
            "steps" when results.Count == 0 => new WireAnswer { Text = ["I look."], Calls = [weather] },
            "steps" when results.Count == 1 => new WireAnswer { Calls = [time] },
            "steps" => new WireAnswer { Text = [says] },

            // Reasoning whose signature must come back with the result.
            "signed" when results.Count == 0 => new WireAnswer { Reasoning = Reasoning, Signature = Signature, Calls = [weather] },
            "signed" => new WireAnswer { Text = [$"{says}; signed {string.Join(',', wire.Signatures(request))}"] },
            _ => new WireAnswer { Text = [$"No script for {model}."] },
        };
    }
}
