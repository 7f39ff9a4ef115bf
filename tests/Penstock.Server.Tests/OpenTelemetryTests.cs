using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>The variables of OpenTelemetry that are for one signal alone.</summary>
public sealed class OpenTelemetryTests
{
    [Theory]
    [InlineData("TRACES", "/spans", "POST /spans")]
    [InlineData("METRICS", "/numbers", "POST /numbers")]
    public async Task A_signal_with_an_address_of_its_own_goes_there_and_the_other_nowhere(string signal, string path, string received)
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.Script(Tokens.Of("quick", 5)));
        await using var collector = await OtlpCollector.StartAsync();
        var settings = PenstockSettings.For(upstream)
            .WithVariable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", new Uri(collector.Url, path).ToString())
            .WithVariable($"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "http/protobuf")
            .WithVariable($"OTEL_EXPORTER_OTLP_{signal}_HEADERS", "x-tenant=mine");

        await using var server = await PenstockProcess.StartAsync(settings);
        using (var reply = await RawReply.SendAsync(server.Api.Chat("up/m", stream: true))) reply.Status.ShouldBe(200, await reply.TextAsync());
        (await server.Stop()).ShouldBe(0);

        collector.Received.Distinct().ShouldBe([received]);
        collector.Tenants.Distinct().ShouldBe(["mine"]);
        collector.Bodies.ShouldContain("gen_ai.");
    }

    [Theory]
    [InlineData("ENDPOINT", "collector", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is 'collector'; it must be an address such as http://collector:4318/v1/traces.")]
    [InlineData("PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/json'; it must be grpc or http/protobuf.")]
    [InlineData("TIMEOUT", "soon", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is 'soon'; it must be milliseconds.")]
    public void What_cannot_be_meant_is_said(string name, string value, string expected)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["OTEL_TRACES_EXPORTER"] = "otlp",
            [$"OTEL_EXPORTER_OTLP_TRACES_{name}"] = value,
        }).Build();
        Should.Throw<OptionsValidationException>(() => new OpenTelemetryExport(configuration)).Failures.ShouldBe([expected]);
    }
}
