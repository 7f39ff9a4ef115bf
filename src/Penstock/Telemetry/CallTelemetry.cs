using System.Diagnostics;

namespace Penstock.Telemetry;

/// <summary>What one call to a provider tells of itself: a client span, how long it took, and how long to its first output.</summary>
/// <param name="operation">What is done, in the convention's words.</param>
/// <param name="provider">The provider's name.</param>
/// <param name="model">The provider's own name of the model.</param>
/// <param name="span">Its span, or null.</param>
/// <param name="traceParent">The <c>traceparent</c> that goes with it, or null where the generation is in no trace.</param>
/// <param name="time">The clock.</param>
internal sealed class CallTelemetry(string operation, string provider, string model, Activity? span, string? traceParent, TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();
    private bool _ended;

    public string Provider => provider;

    public string Model => model;

    /// <summary>The model that the provider says has answered, or null.</summary>
    public string? ResponseModel { get; private set; }

    public string? TraceParent => traceParent;

    /// <summary>How long ago it began.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_began);

    /// <summary>It gave the generation's first output.</summary>
    public void FirstOutput() => PenstockMeter.TimeToFirstChunk.Record(Elapsed.TotalSeconds, Tags());

    /// <summary>It has ended. Does nothing the second time.</summary>
    /// <param name="error">The error's code, or null.</param>
    /// <param name="responseModel">The model that the provider says has answered, or null.</param>
    public void End(string? error, string? responseModel)
    {
        if (_ended) return;
        _ended = true;
        ResponseModel = responseModel is { Length: <= 128 } ? responseModel : null;
        PenstockMeter.OperationDuration.Record(Elapsed.TotalSeconds, Tags(error));
        if (span is not null) GenerationTelemetry.End(span, this, error);
    }

    /// <summary>It has ended since another was faster, and has cost all the same.</summary>
    /// <param name="usage">About what.</param>
    public void EndOutrun(long? usage)
    {
        End("outrun", responseModel: null);
        RecordTokens("input", usage, "outrun");
    }

    public void RecordTokens(string type, long? tokens, string? error = null)
    {
        if (tokens is not { } count) return;
        var tags = Tags(error);
        tags.Add("gen_ai.token.type", type);
        PenstockMeter.TokenUsage.Record(count, tags);
    }

    public TagList Tags(string? error = null)
    {
        var tags = new TagList
        {
            { "gen_ai.operation.name", operation },
            { "gen_ai.provider.name", provider },
            { "gen_ai.request.model", model },
        };
        if (ResponseModel is not null) tags.Add("gen_ai.response.model", ResponseModel);
        if (error is not null) tags.Add("error.type", error);
        return tags;
    }

    public void SetNames(Activity activity)
    {
        activity.SetTag("gen_ai.operation.name", operation);
        activity.SetTag("gen_ai.provider.name", provider);
        activity.SetTag("gen_ai.request.model", model);
    }
}
