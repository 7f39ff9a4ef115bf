using Microsoft.Extensions.Logging;
using Penstock.Generations.Filters;
using Penstock.Generations.Tools;
using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>One call of a generation to a provider, with what its answer goes through on its way into the log.</summary>
internal sealed class GenerationCall
{
    private readonly ProviderCall _call;
    private readonly FilteredAnswer? _filtered;
    private readonly RacingAnswer? _racing;

    /// <param name="generation">The generation's id.</param>
    /// <param name="request">What will be asked; it is not kept.</param>
    /// <param name="recorder">Takes the answer.</param>
    /// <param name="filters">What the answer must not show.</param>
    /// <param name="tools">The tools of the server's that it may call; null for none.</param>
    /// <param name="telemetry">What the call tells of itself.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="tryWin">Asked before the answer's first word, where another call races with this one: whether it answers. Null where none does.</param>
    public GenerationCall(
        string generation, ProviderRequest request, IAnswerSink recorder, IReadOnlyList<OutputFilter> filters, ToolSet? tools,
        CallTelemetry telemetry, TimeProvider time, ILogger logger, Func<GenerationCall, bool>? tryWin = null)
    {
        Telemetry = telemetry;
        Target = request.Target;
        Choices = request.Choices;
        var sink = recorder;
        if (tools is not null) sink = new ToolAnswer(sink, tools);
        if (filters.Count > 0) sink = _filtered = new FilteredAnswer(sink, filters);
        if (tryWin is not null) sink = _racing = new RacingAnswer(sink, () => tryWin(this));
        _call = new ProviderCall(generation, request.Target, request.Choices, sink, time, logger);
    }

    public CallTelemetry Telemetry { get; }

    public Target Target { get; }

    public int Choices { get; }

    /// <summary>The provider's answer so far.</summary>
    public EventReader Answer => _call.Answer;

    /// <summary>One reason for each of several answers; null for a single one.</summary>
    public IReadOnlyList<FinishReason>? ReasonsFor(FinishReason reason) => _call.ReasonsFor(reason);

    /// <exception cref="OperationCanceledException">The token was cancelled before the answer was whole.</exception>
    /// <exception cref="OutrunException">Another call was faster.</exception>
    /// <returns>Null when the answer is whole; otherwise what went wrong.</returns>
    public Task<GenerationError?> RunAsync(ProviderRequest request, CancellationToken stop) => _call.RunAsync(request, Telemetry.TraceParent, stop);

    /// <summary>An answer without a word is whole, and wins a race all the same.</summary>
    /// <exception cref="OutrunException">Another call was faster.</exception>
    public ValueTask CommitAsync() => _racing?.FinishAsync() ?? default;

    /// <summary>The answer is whole: what filters hold back goes out.</summary>
    /// <exception cref="AnswerStoppedException">A filter ends the answer here.</exception>
    public void ReleaseFilters() => _filtered?.End();
}
