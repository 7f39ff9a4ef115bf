using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Penstock.Telemetry;

namespace Penstock.Server;

/// <summary>
/// Sends metrics and traces by OTLP, where the standard variables ask for it
/// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
/// </summary>
internal sealed class OpenTelemetryExport : IHostedService, IDisposable
{
    private readonly MeterProvider? _metrics;
    private readonly TracerProvider? _traces;

    public OpenTelemetryExport(IConfiguration configuration)
    {
        if (IsAsked(configuration, "METRICS"))
        {
            _metrics = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe)
                .AddMeter(PenstockMeter.Name, "System.Runtime").AddOtlpExporter().Build();
        }

        if (IsAsked(configuration, "TRACES"))
        {
            _traces = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe)
                .AddSource(PenstockMeter.Name).AddOtlpExporter().Build();
        }
    }

    public static bool IsAsked(IConfiguration configuration) => IsAsked(configuration, "METRICS") || IsAsked(configuration, "TRACES");

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Sends what is left.
    public void Dispose()
    {
        _metrics?.Dispose();
        _traces?.Dispose();
    }

    private static bool IsAsked(IConfiguration configuration, string signal)
    {
        if (string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase)) return false;
        return configuration[$"OTEL_{signal}_EXPORTER"] switch
        {
            "otlp" => true,
            null or "" => configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 } || configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] is { Length: > 0 },
            _ => false,
        };
    }

    // The variables, read last, win.
    private static void Describe(ResourceBuilder resource) => resource.AddService("penstock").AddEnvironmentVariableDetector();
}
