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
    private CallTelemetry? _call;
    private TimeSpan? _firstOutput;
    private string _status = "";
    private string? _error;
    private (long? Input, long? Output) _tokens;
    private long _outrun;

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
    public CallTelemetry BeginCall(string provider, string model)
    {
        var span = StartActivity(ActivityKind.Client, $"{operation} {model}", _generation?.Context ?? default);
        var call = new CallTelemetry(operation, provider, model, span, span?.Id ?? traceParent, time);
        if (span is not null) call.SetNames(span);
        return call;
    }

    /// <summary>Of the calls that were begun, this one answers, as far as is known.</summary>
    public void Answers(CallTelemetry call) => _call = call;

    /// <summary>The first output of the generation is there.</summary>
    public void FirstOutput()
    {
        if (_firstOutput is not null) return;
        _firstOutput = time.GetElapsedTime(_began);
        PenstockMeter.TimeToFirstToken.Record(_firstOutput.Value.TotalSeconds, Call.Tags());
        Call.FirstOutput();
    }

    /// <summary>A call has ended since another was faster, and has cost all the same.</summary>
    /// <param name="call">The call.</param>
    /// <param name="tokens">About how much.</param>
    public void Outran(CallTelemetry call, long? tokens)
    {
        call.EndOutrun(tokens);
        _outrun += tokens ?? 0;
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
        Call.End(_error ?? (_status == "finished" ? null : _status), responseModel: null); // if it was cut
        var took = time.GetElapsedTime(_began);
        var tags = Call.Tags(_error);
        tags.Add("penstock.status", _status);
        PenstockMeter.RequestDuration.Record(took.TotalSeconds, tags);
        if (_firstOutput is { } first && _tokens.Output > 1)
            PenstockMeter.TimePerOutputToken.Record((took - first).TotalSeconds / (_tokens.Output.Value - 1), Call.Tags());
        Call.RecordTokens("input", _tokens.Input - _outrun);
        Call.RecordTokens("output", _tokens.Output);
        if (_generation is null) return;
        Call.SetNames(_generation);
        _generation.DisplayName = $"{operation} {Call.Model}";
        _generation.SetTag("penstock.status", _status);
        if (_tokens.Input is { } input) _generation.SetTag("gen_ai.usage.input_tokens", input);
        if (_tokens.Output is { } output) _generation.SetTag("gen_ai.usage.output_tokens", output);
        End(_generation, Call, _error);
        _generation = null;
    }

    internal static void End(Activity span, CallTelemetry call, string? error)
    {
        if (call.ResponseModel is { } model) span.SetTag("gen_ai.response.model", model);
        if (error is not null)
        {
            span.SetTag("error.type", error);
            span.SetStatus(ActivityStatusCode.Error);
        }

        span.Dispose();
    }

    private CallTelemetry Call => _call ??= new CallTelemetry(operation, "", "", span: null, traceParent, time);

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
