using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Telemetry;

/// <summary>What a server tells of itself. The meter is the process's, so each test has models of its own.</summary>
public sealed class TelemetryTests : IDisposable
{
    private const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly ConcurrentQueue<Activity> _activities = new();
    private readonly ActivityListener _listener;

    public TelemetryTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Penstock",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _activities.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task A_generation_is_measured_once()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.Script(["a", "b", "c"]));
        (await SseClient.AllAsync(host.Api.Chat("up/measured"))).Count.ShouldBeGreaterThan(3);
        const string Labels = """{gen_ai_operation_name="chat",gen_ai_provider_name="up",gen_ai_request_model="measured",gen_ai_response_model="scripted-1""";
        var metrics = await MetricsAsync(host, text => text.Contains($"gen_ai_server_request_duration_seconds_count{Labels}\"", StringComparison.Ordinal));
        Value(metrics, $$"""gen_ai_server_request_duration_seconds_count{{Labels}}",penstock_status="finished"}""").ShouldBe(1);
        Value(metrics, $$"""gen_ai_server_time_per_output_token_seconds_count{{Labels}}"}""").ShouldBe(1);
        Value(metrics, $$"""gen_ai_client_operation_duration_seconds_count{{Labels}}"}""").ShouldBe(1);
        Value(metrics, $$"""gen_ai_client_token_usage_sum{{Labels}}",gen_ai_token_type="input"}""").ShouldBe(7);
        Value(metrics, $$"""gen_ai_client_token_usage_sum{{Labels}}",gen_ai_token_type="output"}""").ShouldBe(3);
        Value(metrics, $$"""gen_ai_client_token_usage_bucket{{Labels}}",gen_ai_token_type="output",le="4"}""").ShouldBe(1);
        Value(metrics, $$"""gen_ai_client_token_usage_bucket{{Labels}}",gen_ai_token_type="output",le="1"}""").ShouldBe(0);
        Value(metrics, """gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="up",gen_ai_request_model="measured"}""").ShouldBe(1);
        Value(metrics, """gen_ai_client_operation_time_to_first_chunk_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="up",gen_ai_request_model="measured"}""").ShouldBe(1);
        Value(metrics, "dotnet_process_memory_working_set_bytes").ShouldBeGreaterThan(1_000_000);
        metrics.ShouldContain("# TYPE gen_ai_server_request_duration_seconds histogram\n");
    }

    [Fact]
    public async Task Metrics_are_lines_that_Prometheus_reads()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.Script(["a"]));
        await SseClient.AllAsync(host.Api.Chat("""up/odd "name\ {x} """));
        using var reply = await RawReply.SendAsync(host.Api.Get("metrics"));
        reply.Headers["Content-Type"].ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        var line = new Regex("""^(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? -?[0-9.e+E-]+|)$""", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
        foreach (var text in (await reply.TextAsync()).Split('\n')) line.IsMatch(text).ShouldBeTrue(text);
    }

    [Fact]
    public async Task A_rude_client_cannot_fill_the_memory_with_series()
    {
        using var meter = new System.Diagnostics.Metrics.Meter("Penstock.Test");
        var metric = new Penstock.Telemetry.Metric(meter.CreateCounter<long>("penstock.test", "s", "For a test."));
        for (var i = 0; i < 5000; i++) metric.Record(1, [new("model", $"m{i}")]);
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        metric.Write(output);
        var lines = System.Text.Encoding.UTF8.GetString(output.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(2 + 1000 + 1);
        lines.ShouldContain("""penstock_test_seconds_total{otel_metric_overflow="true"} 4000""");
    }

    [Fact]
    public async Task A_trace_goes_from_the_client_through_the_server_to_each_provider_that_is_asked()
    {
        await using var host = await PenstockHost.StartAsync(settings: ("Retry:MaxRetries", "1"));
        host.Upstream.Reply(call => call.Json(500, "{}")).Reply(Tokens.Script(["a"]));
        await SseClient.AllAsync(host.Api.Chat("up/traced").With("traceparent", Trace));

        await Eventually.Is(() => Mine("traced").Count == 3, "all spans have ended");
        var server = Mine("traced").Single(a => a.Kind == ActivityKind.Server);
        server.DisplayName.ShouldBe("chat traced");
        server.ParentId.ShouldBe(Trace);
        server.GetTagItem("penstock.status").ShouldBe("finished");
        server.GetTagItem("gen_ai.usage.output_tokens").ShouldBe(1L);
        ((string)server.GetTagItem("penstock.generation.id")!).ShouldStartWith("gen_");

        var calls = Mine("traced").Where(a => a.Kind == ActivityKind.Client).OrderBy(a => a.StartTimeUtc).ToList();
        calls.ShouldAllBe(a => a.ParentId == server.Id && a.DisplayName == "chat traced");
        calls[0].Status.ShouldBe(ActivityStatusCode.Error);
        calls[0].GetTagItem("error.type").ShouldBe("provider_error");
        calls[1].GetTagItem("gen_ai.response.model").ShouldBe("scripted-1");
        host.Upstream.Calls.Select(c => c.Headers["traceparent"]).ShouldBe(calls.Select(a => a.Id));
    }

    [Fact]
    public async Task A_call_that_is_cut_has_an_end_in_the_trace()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("a")]);
            await call.Hold();
        });
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/stopped"));
        await client.NextAsync();
        await host.Api.StopAsync(client.Generation);
        await Eventually.Is(() => Mine("stopped").Count == 2, "both spans have ended");
        Mine("stopped").Single(a => a.Kind == ActivityKind.Client).GetTagItem("error.type").ShouldBe("stopped");
        Mine("stopped").Single(a => a.Kind == ActivityKind.Server).GetTagItem("error.type").ShouldBeNull();
    }

    [Fact]
    public async Task Nothing_follows_the_request_into_another_trace()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.Script(["a"]));
        await SseClient.AllAsync(host.Api.Chat("up/untraced").With("traceparent", "00-nonsense\tX"));
        await Eventually.Is(() => Mine("untraced").Count == 2, "both spans have ended");
        Mine("untraced").Single(a => a.Kind == ActivityKind.Server).ParentId.ShouldBeNull();
    }

    private List<Activity> Mine(string model) => [.. _activities.Where(a => Equals(a.GetTagItem("gen_ai.request.model"), model))];

    private static async Task<string> MetricsAsync(PenstockHost host, Func<string, bool>? until = null)
    {
        using var http = new HttpClient { BaseAddress = host.Url };
        var metrics = "";
        await Eventually.Is(async () => until?.Invoke(metrics = await http.GetStringAsync("metrics")) ?? true, "the ending is measured");
        return until is null ? await http.GetStringAsync("metrics") : metrics;
    }

    private static double Value(string metrics, string series)
    {
        var line = metrics.Split('\n').SingleOrDefault(l => l.StartsWith($"{series} ", StringComparison.Ordinal)).ShouldNotBeNull($"{series} is not in\n{metrics}");
        return double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
