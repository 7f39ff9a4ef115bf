using System.Diagnostics;

namespace Penstock.Telemetry;

/// <summary>
/// What one generation tells of itself: a server span from its request to its ending, a client span for each call to a
/// provider, and its measurements. It holds names and numbers and no content, and is told of the first output and of endings only.
/// </summary>
/// <param name="id">The generation.</param>
/// <param name="operation">What is done, in the convention's words (<see cref="Operation"/>).</param>
/// <param name="traceParent">The trace that it was asked for in, as the W3C header has it; null for none.</param>
/// <param name="time">The clock.</param>
internal sealed class GenerationTelemetry(string id, string operation, string? traceParent, TimeProvider time)
{
    private static readonly ActivitySource _source = new(PenstockMeter.Name);

    private readonly long _began = time.GetTimestamp();
    private Activity? _generation;
    private Activity? _call;
    private string _provider = "";
    private string _model = "";
    private string? _responseModel;
    private long _callBegan;
    private bool _calling;
    private TimeSpan? _firstOutput;
    private string _status = "";
    private string? _error;
    private (long? Input, long? Output) _tokens;

    /// <summary>The convention's name of what a client's protocol asks for.</summary>
    public static string Operation(string protocol) => protocol switch
    {
        "gemini" => "generate_content",
        "text" => "text_completion",
        _ => "chat",
    };

    /// <summary>The trace that a generation which is asked for here and now belongs to: that of the running activity, or else of the request.</summary>
    /// <param name="header">The request's <c>traceparent</c>; anything at all.</param>
    public static string? TraceParentOf(string? header)
    {
        // One that has no source was made for log scopes alone, and nobody exports it.
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } current, Source.Name.Length: > 0 }) return current;
        return ActivityContext.TryParse(header, traceState: null, out _) ? header : null;
    }

    /// <summary>It runs.</summary>
    public void Begin()
    {
        PenstockMeter.Running.Add(1);
        _ = ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var parent);
        _generation = StartActivity(ActivityKind.Server, operation, parent);
        _generation?.SetTag("penstock.generation.id", id);
    }

    /// <summary>A provider is asked.</summary>
    /// <param name="provider">The provider's name.</param>
    /// <param name="model">The provider's own name of the model.</param>
    /// <returns>The <c>traceparent</c> of the call, or null where the generation is in no trace.</returns>
    public string? BeginCall(string provider, string model)
    {
        (_provider, _model, _responseModel, _callBegan, _calling) = (provider, model, null, time.GetTimestamp(), true);
        _call = StartActivity(ActivityKind.Client, $"{operation} {model}", _generation?.Context ?? default);
        if (_call is not null) SetNames(_call);
        return _call?.Id ?? traceParent;
    }

    /// <summary>The first output of the generation is there.</summary>
    public void FirstOutput()
    {
        if (_firstOutput is not null) return;
        _firstOutput = time.GetElapsedTime(_began);
        PenstockMeter.TimeToFirstToken.Record(_firstOutput.Value.TotalSeconds, Tags());
        PenstockMeter.TimeToFirstChunk.Record(time.GetElapsedTime(_callBegan).TotalSeconds, Tags());
    }

    /// <summary>The call has ended; one that was cut ends with its generation.</summary>
    /// <param name="error">The error's code, or null.</param>
    /// <param name="responseModel">The model that the provider says has answered, or null.</param>
    public void EndCall(string? error, string? responseModel)
    {
        _calling = false;
        _responseModel = responseModel is { Length: <= 128 } ? responseModel : null;
        PenstockMeter.OperationDuration.Record(time.GetElapsedTime(_callBegan).TotalSeconds, Tags(error));
        if (_call is null) return;
        End(_call, error);
        _call = null;
    }

    /// <summary>How the generation ends; the last word counts.</summary>
    /// <param name="status">The name of its ending.</param>
    /// <param name="error">The error's code, or null.</param>
    /// <param name="input">Tokens of the request, or null.</param>
    /// <param name="output">Tokens of the answer, or null.</param>
    public void Ends(string status, string? error, long? input = null, long? output = null) => (_status, _error, _tokens) = (status, error, (input, output));

    /// <summary>The generation has ended.</summary>
    public void End()
    {
        PenstockMeter.Running.Add(-1);
        if (_calling) EndCall(_error ?? (_status == "finished" ? null : _status), responseModel: null);
        var took = time.GetElapsedTime(_began);
        var tags = Tags(_error);
        tags.Add("penstock.status", _status);
        PenstockMeter.RequestDuration.Record(took.TotalSeconds, tags);
        if (_firstOutput is { } first && _tokens.Output > 1)
            PenstockMeter.TimePerOutputToken.Record((took - first).TotalSeconds / (_tokens.Output.Value - 1), Tags());
        RecordTokens("input", _tokens.Input);
        RecordTokens("output", _tokens.Output);
        if (_generation is null) return;
        SetNames(_generation);
        _generation.DisplayName = $"{operation} {_model}";
        _generation.SetTag("penstock.status", _status);
        End(_generation, _error);
        _generation = null;
    }

    private void RecordTokens(string type, long? tokens)
    {
        if (tokens is not { } count) return;
        var tags = Tags();
        tags.Add("gen_ai.token.type", type);
        PenstockMeter.TokenUsage.Record(count, tags);
    }

    private TagList Tags(string? error = null)
    {
        var tags = new TagList
        {
            { "gen_ai.operation.name", operation },
            { "gen_ai.provider.name", _provider },
            { "gen_ai.request.model", _model },
        };
        if (_responseModel is not null) tags.Add("gen_ai.response.model", _responseModel);
        if (error is not null) tags.Add("error.type", error);
        return tags;
    }

    private void SetNames(Activity activity)
    {
        activity.SetTag("gen_ai.operation.name", operation);
        activity.SetTag("gen_ai.provider.name", _provider);
        activity.SetTag("gen_ai.request.model", _model);
    }

    private void End(Activity activity, string? error)
    {
        if (_responseModel is not null) activity.SetTag("gen_ai.response.model", _responseModel);
        if (activity.Kind == ActivityKind.Server)
        {
            if (_tokens.Input is { } input) activity.SetTag("gen_ai.usage.input_tokens", input);
            if (_tokens.Output is { } output) activity.SetTag("gen_ai.usage.output_tokens", output);
        }

        if (error is not null)
        {
            activity.SetTag("error.type", error);
            activity.SetStatus(ActivityStatusCode.Error);
        }

        activity.Dispose();
    }

    // A generation outlives the request that it was asked for in, so its spans are not made current there.
    private static Activity? StartActivity(ActivityKind kind, string name, ActivityContext parent)
    {
        if (!_source.HasListeners()) return null;
        var current = Activity.Current;
        if (parent == default) Activity.Current = null; // or it would be the parent
        var activity = _source.StartActivity(name, kind, parent);
        Activity.Current = current;
        return activity;
    }
}
