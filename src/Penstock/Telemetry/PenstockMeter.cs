using System.Diagnostics.Metrics;

namespace Penstock.Telemetry;

/// <summary>
/// What is measured, by the names and buckets of OpenTelemetry's GenAI conventions
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/). Nothing here is touched once a token.
/// </summary>
internal static class PenstockMeter
{
    /// <summary>The name of the meter, and of the activity source.</summary>
    public const string Name = "Penstock";

    private static readonly Meter _meter = new(Name);

    /// <summary>From the request's acceptance to the generation's ending.</summary>
    public static readonly Histogram<double> RequestDuration = Seconds(
        "gen_ai.server.request.duration", "How long generations took from their request to their ending.", 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);

    public static readonly Histogram<double> TimeToFirstToken = Seconds(
        "gen_ai.server.time_to_first_token", "How long generations took from their request to their first output, retries among it.", 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);

    /// <summary>The mean over a generation, recorded at its ending.</summary>
    public static readonly Histogram<double> TimePerOutputToken = Seconds(
        "gen_ai.server.time_per_output_token", "How long each token after the first took, on average over a generation.", 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5);

    /// <summary>One call to a provider.</summary>
    public static readonly Histogram<double> OperationDuration = Seconds(
        "gen_ai.client.operation.duration", "How long calls to providers took.", 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);

    public static readonly Histogram<double> TimeToFirstChunk = Seconds(
        "gen_ai.client.operation.time_to_first_chunk", "How long calls to providers took to their first output.", 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);

    public static readonly Histogram<long> TokenUsage = _meter.CreateHistogram(
        "gen_ai.client.token.usage",
        "{token}",
        "Tokens that generations used.",
        tags: null,
        new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] });

    public static readonly UpDownCounter<long> Running = _meter.CreateUpDownCounter<long>(
        "penstock.generations.running", "{generation}", "Generations that run in this process.");

    public static readonly UpDownCounter<long> Subscribers = _meter.CreateUpDownCounter<long>(
        "penstock.subscribers", "{subscriber}", "Clients that are reading a generation.");

    /// <summary>Requests that a limit refused, and answers that one ended.</summary>
    public static readonly Counter<long> Limited = _meter.CreateCounter<long>(
        "penstock.limits.reached", "{request}", "Requests that a limit refused, and answers that a limit ended.");

    /// <param name="limit">Which limit.</param>
    /// <param name="on"><c>key</c> or <c>owner</c>, whose request was refused; <c>stream</c>, where an answer was ended.</param>
    public static void CountLimit(string limit, string on) => Limited.Add(1, new("penstock.limit", limit), new("penstock.limit.on", on));

    private static Histogram<double> Seconds(string name, string description, params double[] buckets) =>
        _meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
}
