using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Client.Tests.Docs;

/// <summary>What docs/operations.md tells to type for OpenTelemetry reaches a collector.</summary>
public sealed partial class TelemetrySnippetTests
{
    private const string Grpc = "POST /opentelemetry.proto.collector.{0}.v1.{1}Service/Export";

    private static readonly string[] _lines = Page.Of("docs/operations.md").Snippets.Single(s => s.Code.StartsWith("OTEL_EXPORTER", StringComparison.Ordinal)).Code.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static TheoryData<int, string[]> Lines => new()
    {
        { 0, [string.Format(null, Grpc, "metrics", "Metrics"), string.Format(null, Grpc, "trace", "Trace")] },
        { 1, ["POST /v1/metrics", "POST /v1/traces"] },
        { 2, ["POST /v1/traces"] },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public async Task A_collector_is_sent_what_the_page_says(int line, string[] paths)
    {
        _lines.Length.ShouldBe(3);
        await using var collector = await OtlpCollector.StartAsync();
        var typed = Comment().Replace(_lines[line], "")
            .Replace("http://collector:4317", collector.GrpcUrl.ToString().TrimEnd('/'), StringComparison.Ordinal)
            .Replace("http://collector:4318", collector.Url.ToString().TrimEnd('/'), StringComparison.Ordinal);
        var quick = "export OTEL_METRIC_EXPORT_INTERVAL=200 OTEL_BSP_SCHEDULE_DELAY=200";
        await using var app = await AppProcess.StartAsync("bash", "-c", $"penstock() {{ exec dotnet '{PenstockProcess.ServerDll()}' \"$@\"; }}; {quick}; {typed} \"$@\"", "bash");
        using (var reply = await RawReply.SendAsync(app.Api.Chat("simulated/chat?tokens=3&tps=0&ttft=0"))) (await reply.TextAsync()).ShouldContain("data: [DONE]");
        await Eventually.Is(() => paths.All(collector.Received.Contains) && collector.Bodies.Contains("penstock.generation.id", StringComparison.Ordinal), $"{string.Join(", ", paths)} come");
        collector.Received.Except(paths).ShouldBeEmpty();
    }

    [GeneratedRegex(@"\s+#.*$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Comment();
}
