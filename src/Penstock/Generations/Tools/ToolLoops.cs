using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations.Tools;

/// <summary>Gives each answer the tools that it is offered, and what runs them.</summary>
internal sealed class ToolLoops(ToolBox box, Approvals approvals, IStreamLog log, GenerationOptions options, TimeProvider time, ILogger<ToolLoops> logger)
{
    private readonly ToolSettings _settings = new(options.Tools, options.Retry, options.Filters, approvals);

    /// <summary>Checks what a request asks for, without asking any server for its tools.</summary>
    /// <exception cref="RequestException">It cannot be had.</exception>
    public void Check(GenerationRequest request) => box.Check(request);

    /// <summary>The request with the tools that it is offered, and what they are; as it was, and null, where there are none.</summary>
    /// <exception cref="RequestException">What it asks for cannot be had.</exception>
    public ValueTask<(GenerationRequest Request, ToolSet? Tools)> OfferAsync(GenerationRequest request) => box.OffersNone(request) ? new((request, null)) : OpenAsync(request);

    private async ValueTask<(GenerationRequest Request, ToolSet? Tools)> OpenAsync(GenerationRequest request) =>
        await box.OpenAsync(request) is { } tools ? (request with { Offered = tools.Offered }, tools) : (request, null);

    /// <summary>Removes what people said to an answer's calls.</summary>
    public async ValueTask ForgetAsync(string generation) => await _settings.Approvals.DeleteAsync(generation);

    /// <summary>What runs them for one answer.</summary>
    /// <param name="generation">The generation's id.</param>
    /// <param name="request">The request with its tools.</param>
    /// <param name="tools">Those tools; null for none.</param>
    /// <param name="recorder">Writes the generation's stream.</param>
    public ToolLoop? New(string generation, GenerationRequest request, ToolSet? tools, EventRecorder recorder) =>
        tools is null ? null : new ToolLoop(generation, request, tools, recorder, log, _settings, time, logger);
}
