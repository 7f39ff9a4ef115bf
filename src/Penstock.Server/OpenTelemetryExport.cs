using System.Globalization;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
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
                .AddMeter(PenstockMeter.Name, "System.Runtime").AddOtlpExporter(otlp => Specialize(otlp, configuration, "METRICS")).Build();
        }

        if (IsAsked(configuration, "TRACES"))
        {
            _traces = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe)
                .AddSource(PenstockMeter.Name).AddOtlpExporter(otlp => Specialize(otlp, configuration, "TRACES")).Build();
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

    // The exporter itself reads the variables that are for all signals.
    private static void Specialize(OtlpExporterOptions options, IConfiguration configuration, string signal)
    {
        if (Find("PROTOCOL", out var name, out var value))
        {
            options.Protocol = value switch
            {
                "grpc" => OtlpExportProtocol.Grpc,
                "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
                _ => throw Invalid(name, value, "grpc or http/protobuf"),
            };
        }

        if (Find("ENDPOINT", out name, out value)) options.Endpoint = Uri.TryCreate(value, UriKind.Absolute, out var address) ? address : throw Invalid(name, value, "an address such as http://collector:4318/v1/" + signal.ToLowerInvariant());
        if (Find("HEADERS", out _, out value)) options.Headers = value;
        if (Find("TIMEOUT", out name, out value)) options.TimeoutMilliseconds = int.TryParse(value, CultureInfo.InvariantCulture, out var timeout) ? timeout : throw Invalid(name, value, "milliseconds");

        bool Find(string what, out string name, out string value)
        {
            name = $"OTEL_EXPORTER_OTLP_{signal}_{what}";
            value = configuration[name] ?? "";
            return value.Length > 0;
        }

        static OptionsValidationException Invalid(string name, string value, string must) => new(name, typeof(OtlpExporterOptions), [$"{name} is '{value}'; it must be {must}."]);
    }

    // The variables, read last, win.
    private static void Describe(ResourceBuilder resource) => resource.AddService("penstock").AddEnvironmentVariableDetector();
}
