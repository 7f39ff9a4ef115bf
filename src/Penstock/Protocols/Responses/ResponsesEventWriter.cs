using System.Buffers;

namespace Penstock.Protocols.Responses;

/// <summary>Writes a generation as a Responses stream: a provider's own events passed on, or events made of blocks.</summary>
internal sealed class ResponsesEventWriter : EventWriter
{
    private const string MaxTokens = "max_output_tokens";

    private readonly GenerationRequest _request;
    private readonly ResponsesFrames _frames = new();
    private readonly ResponsesObject _response;
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private ResponsesOutput? _output; // of events of our own making
    private ResponsesFold? _fold; // of events that were passed on, or that a writer before this one wrote
    private ResponsesPassthrough? _passthrough;
    private byte[]? _heldName;
    private byte[]? _held;
    private Usage? _usage;

    public ResponsesEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt)
    {
        _request = request;
        _response = new ResponsesObject(request, generationId, createdAt);
    }

    /// <summary>The response object of the ending, once it is written: what an answer that is no stream is.</summary>
    public ReadOnlyMemory<byte> Ending { get; private set; }

    public override void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output)
    {
        var parsed = ResponsesPayload.Read(eventName, payload);
        if (parsed.Name.IsEmpty) return; // [DONE]
        _fold ??= new ResponsesFold();
        _frames.Start(id, output);
        WriteHeld(); // it was not the last: one stream may hold several responses
        if (JsonValue.IsObject(parsed.Response))
        {
            _passthrough ??= new ResponsesPassthrough(_request, _response.Id);
            var renamed = _passthrough.Rename(parsed.Json, parsed.Response);
            var name = parsed.Name.ToArray();
            _fold.Take(ResponsesPayload.Read(name, renamed));
            if (parsed.IsEnding)
                (_heldName, _held) = (name, renamed); // a stream that is cut here must not look complete
            else
                _frames.WriteRaw(name, renamed);
        }
        else
        {
            _fold.Take(parsed);
            _frames.WriteRaw(parsed.Name, parsed.Json);
        }

        _frames.Finish();
    }

    public override void Replay(in GenerationEvent generationEvent, ReadOnlySpan<byte> frames, IBufferWriter<byte> scratch)
    {
        // We begin a stream with two events at once; a provider's own stand one to a record.
        var ours = _output is not null || (generationEvent.Kind == EventKind.Started && frames.IndexOf("event: response.in_progress\n"u8) > 0);
        if (ours)
        {
            base.Replay(generationEvent, frames, scratch);
            return;
        }

        _fold ??= new ResponsesFold();
        _fold.TakeFrames(frames);
    }

    public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
    {
        _usage = generationEvent.Usage ?? _usage;
        _frames.Start(id, output);
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                _response.TakeModel(generationEvent.Model);
                _output = new ResponsesOutput(_response, _frames);
                WriteResponse("response.created"u8, "in_progress"u8);
                WriteResponse("response.in_progress"u8, "in_progress"u8);
                break;
            case EventKind.BlockStart:
                _output?.Start(generationEvent);
                break;
            case EventKind.Delta:
                _output?.Append(generationEvent);
                break;
            case EventKind.BlockStop:
                _output?.Stop(generationEvent.Block);
                break;
            case EventKind.Approval when generationEvent.Approval == ApprovalState.Asked:
                _output?.Ask(generationEvent.Block);
                break;
            case EventKind.Reset:
                _output?.Reset();
                break;
            case EventKind.Finished when _held is not null:
                Ending = _fold!.Response;
                WriteHeld();
                break;
            case EventKind.Finished:
                var incomplete = generationEvent.Reason switch { FinishReason.Length => MaxTokens, FinishReason.ContentFilter => "content_filter", _ => null };
                if (incomplete is null) End("response.completed"u8, "completed"u8, null, isCut: false);
                else End("response.incomplete"u8, "incomplete"u8, incomplete, isCut: false);
                break;
            case EventKind.Stopped:
                // There is no event for it: SDKs refuse what they do not know, and the status says what happened.
                if (_output is null && _fold is not { Begun: true }) WriteResponse("response.created"u8, "in_progress"u8);
                if (generationEvent.Reason == FinishReason.Length) End("response.incomplete"u8, "incomplete"u8, MaxTokens, isCut: true);
                else End("response.incomplete"u8, "cancelled"u8, null, isCut: true);
                break;
            case EventKind.Failed or EventKind.Interrupted:
                Fail(generationEvent.Error ?? new GenerationError("server_error", "The answer ended too early: try again.", 500));
                break;
        }

        _frames.Finish();
    }

    // The numbers go on without a gap. (The text stays in the response object that the ending shows.)
    public override void Discard(ReadOnlySpan<byte> written)
    {
        var events = written.Count("\"sequence_number\":"u8); // inside a string there would be a backslash in it
        _frames.NextSequence -= events;
        _fold?.Forget(events);
    }

    private void WriteHeld()
    {
        if (_held is null) return;
        _frames.WriteRaw(_heldName, _held);
        _held = null;
    }

    // As OpenAI does: an error, and then, where there is a response, what became of it. Clients exist that read only one of the two.
    // The error is flat for SDKs by the type, nested for those that throw.
    private void Fail(GenerationError error)
    {
        Close(isCut: true);
        var output = _frames.Begin("error"u8);
        WriteErrorMembers(error, output);
        output.Write(",\"error\":{\"type\":"u8);
        JsonText.WriteString(error.Status switch { 429 => "rate_limit_exceeded", >= 500 => "server_error", _ => "invalid_request_error" }, output);
        output.Write(","u8);
        WriteErrorMembers(error, output);
        output.Write("}"u8);
        _frames.End();
        WriteEnding("failed"u8, error, null);
        if (_output is not null || _fold is { Begun: true }) WriteEndingFrame("response.failed"u8);
    }

    private static void WriteErrorMembers(GenerationError error, IBufferWriter<byte> output)
    {
        output.Write("\"code\":"u8);
        JsonText.WriteString(error.Code, output);
        output.Write(",\"message\":"u8);
        JsonText.WriteString(error.Message, output);
        output.Write(",\"param\":null"u8);
    }

    private void End(ReadOnlySpan<byte> type, ReadOnlySpan<byte> status, string? incomplete, bool isCut)
    {
        Close(isCut);
        WriteEnding(status, null, incomplete);
        WriteEndingFrame(type);
    }

    private void Close(bool isCut)
    {
        _held = null;
        if (_fold is not null) _frames.NextSequence = _fold.LastSequence + 1;
        _output?.End(isCut);
    }

    private void WriteEndingFrame(ReadOnlySpan<byte> type)
    {
        var output = _frames.Begin(type);
        output.Write("\"response\":"u8);
        output.Write(Ending.Span);
        _frames.End();
    }

    private void WriteEnding(ReadOnlySpan<byte> status, GenerationError? error, string? incomplete)
    {
        _scratch.ResetWrittenCount();
        if (_fold is { Begun: true }) _fold.Write(status, "incomplete"u8, error, incomplete, _usage, _response.Id, _scratch);
        else _response.Write(status, error, incomplete, _output is null ? default : _output.Items, _usage, _scratch);
        Ending = _scratch.WrittenMemory;
    }

    private void WriteResponse(ReadOnlySpan<byte> type, ReadOnlySpan<byte> status)
    {
        var output = _frames.Begin(type);
        output.Write("\"response\":"u8);
        _response.Write(status, null, null, default, null, output);
        _frames.End();
    }
}
