using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Security;

/// <summary>
/// Providers that fail in every way there is, and put secrets into their failures: none of them is in a reply, in the store,
/// in the log at its most talkative, in metrics, in traces, or in the docs.
/// </summary>
public sealed class PlantedSecretsTests
{
    private const string Key = "sk-planted-provider-key-0123456789";
    private const string ClientKey = "sk-planted-client-key-0123456789";
    private const string Words = "planted-words-of-the-provider";
    private const string Host = "planted-host.invalid";
    private const string Trace = "at Planted.Frame.Run() in /srv/planted/Frame.cs:line 7";

    private static readonly string _words = $"Key {Key} refused by {Host}: {Words}\n   {Trace}";
    private static readonly string _error = new JsonObject { ["message"] = _words, ["type"] = Words, ["code"] = Words, ["param"] = Words, ["debug"] = new JsonObject { ["host"] = Host } }.ToJsonString();

    private static readonly string[] _protocols = ["chat-completions", "responses", "messages", "gemini"];

    // How each provider begins to answer.
    private static readonly Dictionary<string, string> _beginnings = new(StringComparer.Ordinal)
    {
        ["chat-completions"] = $"data: {Chat.Role()}\n\ndata: {Chat.Text("Hello ")}\n\n",
        ["responses"] = """
            data: {"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","status":"in_progress","model":"m","output":[]}}

            data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"message","id":"m","role":"assistant","status":"in_progress","content":[]}}

            data: {"type":"response.content_part.added","sequence_number":2,"item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}

            data: {"type":"response.output_text.delta","sequence_number":3,"item_id":"m","output_index":0,"content_index":0,"delta":"Hello "}


            """,
        ["messages"] = """
            data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}

            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello "}}


            """,
        ["gemini"] = """
            data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hello "}]},"index":0}],"modelVersion":"m"}


            """,
    };

    private static readonly Dictionary<string, UpstreamScript> _failures = new(StringComparer.Ordinal)
    {
        ["400"] = call => call.Json(400, $$"""{"error":{{_error}}}""", ("X-Planted", Words)),
        ["401"] = call => call.Json(401, $$"""{"error":{{_error}}}"""),
        ["404"] = call => call.Json(404, $$"""{"type":"error","error":{{_error}}}"""),
        ["429"] = call => call.Json(429, $$"""[{"error":{{_error}}}]""", ("Retry-After", "1"), ("X-Ratelimit-Organization", Words)),
        ["500"] = call => call.Json(500, $$"""{"error":"{{Words}} {{Key}}"}"""),
        ["503"] = call => call.Json(503, $$"""{"object":"error","message":"{{Words}}","code":503}"""),
        ["html"] = async call =>
        {
            await call.Head(502, "text/html");
            await call.Write($"<html>{_words}</html>");
        },
        ["redirect"] = call => call.Json(307, "{}", ("Location", $"http://{Host}/{Key}")),
        ["no json"] = call => call.Sse($"{Words} {Key} {Host}"),
        ["half json"] = call => call.Sse($$"""{"choices":[{"delta":{"content":"{{Words}} """),
        ["whole no json"] = call => call.Json(200, $"{Words} {Key}"),
        ["whole error"] = call => call.Json(200, $$"""{"error":{{_error}}}"""),
        ["no http"] = async call =>
        {
            await call.Raw(Encoding.ASCII.GetBytes($"{Words} {Key}\r\n\r\n"));
            call.Close();
        },
        ["bad chunk"] = async call =>
        {
            await call.Head();
            await call.Raw(Encoding.ASCII.GetBytes($"{Words}\r\n{Key}\r\n"));
            call.Close();
        },
        ["closed"] = call =>
        {
            call.Close();
            return Task.CompletedTask;
        },
        ["error event"] = call => call.Write($"event: error\ndata: {{\"type\":\"error\",\"error\":{_error}}}\n\n"),
        ["error member"] = call => call.Sse($$"""{"error":{{_error}}}"""),
        ["bare error"] = call => call.Write($$"""{"error":{{_error}}}"""),
        ["failed response"] = call => call.Sse($$$"""{"type":"response.failed","sequence_number":9,"response":{"id":"r","object":"response","status":"failed","error":{{{_error}}},"output":[]}}"""),
        ["error in a choice"] = call => call.Sse($$$"""{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{{{_error}}}}]}"""),
        ["error beside a choice"] = call => call.Sse($$"""{"id":"x","object":"chat.completion.chunk","error":{{_error}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}"""),
    };

    [Fact]
    public async Task No_secret_of_a_provider_is_anywhere()
    {
        await using var upstream = ScriptedUpstream.Start(PlayAsync);
        await using var collector = await OtlpCollector.StartAsync();
        var settings = new PenstockSettings { ["Storage:Kind"] = "disk", ["Retry:MaxRetries"] = "1", ["Retry:BaseDelay"] = "00:00:00.001" }
            .WithVariable("Logging:LogLevel:Default", "Trace")
            .WithVariable("Logging:LogLevel:Microsoft.AspNetCore", "Trace")
            .WithVariable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.ToString())
            .WithVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        foreach (var protocol in _protocols)
        {
            foreach (var (name, url) in new[] { (protocol, upstream.BaseUrl), ($"{protocol}-nowhere", $"http://{Host}:9/v1"), ($"{protocol}-refused", $"http://127.0.0.1:{Ports.Free()}/{Words}") })
            {
                settings[$"Providers:{name}:Protocol"] = protocol;
                settings[$"Providers:{name}:BaseUrl"] = url;
                settings[$"Providers:{name}:ApiKey"] = Key;
            }
        }

        await using var server = await PenstockProcess.StartAsync(settings);
        var seen = new StringBuilder();
        foreach (var protocol in _protocols)
        {
            var models = _failures.Keys.SelectMany(failure => new[] { $"{protocol}/{failure}", $"{protocol}/late {failure}" }).Append($"{protocol}-nowhere/m").Append($"{protocol}-refused/m");
            await Parallel.ForEachAsync(models, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (model, _) =>
            {
                foreach (var stream in (bool[])[true, false])
                {
                    foreach (var request in Requests(server.Api, model, stream))
                    {
                        using var reply = await RawReply.SendAsync(request.With("Authorization", $"Bearer {ClientKey}").With("x-api-key", ClientKey));
                        var text = $"{model} over {request.Url.AbsolutePath}: {reply.Status} {string.Join(' ', reply.Headers.Values)} {await reply.TextAsync()}\n";
                        lock (seen) seen.Append(text);
                    }
                }
            });
        }

        var replies = seen.ToString();
        replies.Split('\n').Count(line => line.Contains(" over ", StringComparison.Ordinal)).ShouldBeGreaterThan(500);
        ShouldHide(replies, "a reply");
        using var http = new HttpClient { BaseAddress = server.Url };
        foreach (var path in (string[])["metrics", "openapi.json", "docs/index.html", "v1/generations?limit=100", "v1/models", "v1/usage", "v1/streams?limit=100"]) ShouldHide(await http.GetStringAsync(path), path);
        (await http.GetStringAsync("metrics")).ShouldContain("error_type=\"provider_unauthorized\"");
        (await server.Stop()).ShouldBe(0);
        foreach (var file in Directory.GetFiles(server.DataFolder, "*", SearchOption.AllDirectories)) ShouldHide(await File.ReadAllTextAsync(file), file);
        server.Log.ShouldContain("trce: ");
        server.Log.ShouldContain("provider_unauthorized");
        ShouldHide(server.Log, "the log");
        server.Log.ShouldNotContain(new Uri(upstream.BaseUrl).Authority);
        collector.Received.ShouldContain("POST /v1/traces");
        collector.Received.ShouldContain("POST /v1/metrics");
        collector.Bodies.ShouldContain("provider_unauthorized");
        ShouldHide(collector.Bodies, "the traces and metrics");
    }

    private static IEnumerable<RawRequest> Requests(Api api, string model, bool stream)
    {
        yield return api.Chat(model, stream: stream);
        yield return api.Messages(model, stream: stream);
        yield return api.Post("v1/responses", new JsonObject { ["model"] = model, ["input"] = "Hi", ["stream"] = stream });
        var gemini = $"v1beta/models/{Uri.EscapeDataString(model)}:{(stream ? "streamGenerateContent?alt=sse" : "generateContent")}";
        yield return api.Post(gemini, new JsonObject { ["contents"] = new JsonArray(new JsonObject { ["role"] = "user", ["parts"] = new JsonArray(new JsonObject { ["text"] = "Hi" }) }) });
        yield return stream ? api.Native(model, stream: true) : api.ChatStream(model);
    }

    private static async Task PlayAsync(UpstreamCall call)
    {
        // Gemini's model stands in the address.
        var model = call.Model.Length > 0 ? call.Model : Uri.UnescapeDataString(call.Path.Split("/models/")[1].Split(':')[0]);
        var protocol = call.Path switch
        {
            var path when path.Contains("/models/", StringComparison.Ordinal) => "gemini",
            var path when path.EndsWith("/responses", StringComparison.Ordinal) => "responses",
            var path when path.EndsWith("/messages", StringComparison.Ordinal) => "messages",
            _ => "chat-completions",
        };
        if (model.StartsWith("late ", StringComparison.Ordinal))
        {
            model = model["late ".Length..];
            await call.Write(_beginnings[protocol]);
            if (char.IsAsciiDigit(model[0]) || model is "html" or "redirect" or "no http" or "whole no json" or "whole error") model = "error member";
        }

        await _failures[model](call);
    }

    private static void ShouldHide(string text, string where)
    {
        foreach (var secret in (string[])[Key, ClientKey, Words, Host, "Planted.Frame", "/srv/planted", "sk-planted"])
        {
            var at = text.IndexOf(secret, StringComparison.OrdinalIgnoreCase);
            (at < 0 ? "" : text[Math.Max(0, at - 300)..Math.Min(text.Length, at + 100)]).ShouldBeEmpty($"{secret} is in {where}");
        }
    }
}
