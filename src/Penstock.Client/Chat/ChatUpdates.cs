using System.Text;
using Microsoft.Extensions.AI;

namespace Penstock.Client.Chat;

/// <summary>Turns a generation's events, from the first on, into updates of those after an offset.</summary>
/// <remarks>
/// Text and reasoning are shown as they come; what only counts whole (a call, an image, a refusal) once it is. Usage comes with the ending,
/// since the latest counts. So whatever was shown up to an offset and what is shown after it make the whole answer, each part once.
/// </remarks>
internal sealed class ChatUpdates(GenerationSnapshot? begun, long after, bool withTokens, bool showsReasoning)
{
    public const string Signature = "signature";
    public const string Redacted = "redacted";

    private readonly Dictionary<int, OpenBlock> _blocks = [];
    private string? _model = begun?.Model;
    private TokenUsage? _usage;
    private bool _hasSpoken;

    /// <returns>Null where there is nothing to show.</returns>
    /// <exception cref="PenstockException">The generation failed, or what was shown of it is void.</exception>
    public ChatResponseUpdate? Read(PenstockEvent next)
    {
        switch (next)
        {
            case GenerationStarted started:
                _model = started.Model;
                return Show(next, []);
            case BlockStarted { Choice: 0 } start:
                _blocks[start.Block] = new OpenBlock(start);
                return null;
            case BlockDelta delta when _blocks.TryGetValue(delta.Block, out var block):
                return Show(next, block.Add(delta), showsReasoning);
            case BlockStopped stop when _blocks.Remove(stop.Block, out var block):
                return stop.IsCut ? null : Show(next, block.End());
            case UsageReported usage:
                _usage = usage.Usage;
                return null;
            case AttemptStarted { IsReset: true } reset:
                Reset(reset);
                return null;
            case GenerationFinished finished:
                return End(next, ReasonOf(finished.Reason));
            case GenerationStopped:
                return End(next, new ChatFinishReason("stopped"));
            case GenerationFailed failed:
                throw failed.Error.ToException(failed.Id);
            default:
                return null;
        }
    }

    private ChatResponseUpdate? Show(PenstockEvent next, AIContent? content, bool showsReasoning = true) =>
        content is null || (content is TextReasoningContent && !showsReasoning) ? null : Show(next, [content]);

    private ChatResponseUpdate? Show(PenstockEvent next, IList<AIContent> contents)
    {
        _hasSpoken |= contents.Count > 0;
        if (next.Offset <= after) return null;
        return new ChatResponseUpdate(ChatRole.Assistant, contents)
        {
            ResponseId = next.Generation,
            MessageId = next.Generation,
            ModelId = _model,
            CreatedAt = begun?.CreatedAt,
            RawRepresentation = next,
            ContinuationToken = withTokens && !next.IsEnding ? ContinuationTokens.Of(next.Id) : null,
        };
    }

    private ChatResponseUpdate? End(PenstockEvent next, ChatFinishReason reason)
    {
        var update = Show(next, _usage is null ? [] : [new UsageContent(DetailsOf(_usage)) { AdditionalProperties = new() { ["source"] = _usage.Source } }]);
        if (update is not null) update.FinishReason = reason;
        return update;
    }

    private void Reset(AttemptStarted reset)
    {
        if (reset.Offset > after && _hasSpoken)
        {
            throw new PenstockException("answer_restarted", "The answer was begun anew, and what came of it so far is void. Clear it, and go on after EventId for the new one.", 409)
            {
                EventId = reset.Id,
            };
        }

        _blocks.Clear();
        _usage = null;
        _hasSpoken = false;
    }

    private static UsageDetails DetailsOf(TokenUsage usage) => new()
    {
        InputTokenCount = usage.InputTokens,
        OutputTokenCount = usage.OutputTokens,
        TotalTokenCount = usage.TotalTokens,
        CachedInputTokenCount = usage.CachedInputTokens,
        ReasoningTokenCount = usage.ReasoningTokens,
        AdditionalCounts = usage.CacheWriteTokens is { } written ? new() { ["cacheWriteTokens"] = written } : null,
    };

    private static ChatFinishReason ReasonOf(string reason) => reason switch
    {
        "stop" => ChatFinishReason.Stop,
        "length" => ChatFinishReason.Length,
        "tool_calls" => ChatFinishReason.ToolCalls,
        "content_filter" => ChatFinishReason.ContentFilter,
        _ => new ChatFinishReason(reason),
    };

    private sealed class OpenBlock(BlockStarted start)
    {
        private readonly StringBuilder _whole = new();
        private string? _signature;

        /// <returns>What can be shown at once.</returns>
        public AIContent? Add(BlockDelta delta)
        {
            switch (start.Kind)
            {
                case BlockKind.Text or BlockKind.Reasoning when delta is { Text: "", Signature: null, Citation: null }:
                    return null;
                case BlockKind.Text:
                    return new TextContent(delta.Text) { Annotations = delta.Citation is { } citation ? [AnnotationOf(citation)] : null };
                case BlockKind.Reasoning:
                    return new TextReasoningContent(delta.Text)
                    {
                        ProtectedData = delta.Signature,
                        AdditionalProperties = start.Name == Redacted ? new() { [Redacted] = true } : null,
                    };
                default:
                    _whole.Append(delta.Text);
                    _signature += delta.Signature;
                    return null;
            }
        }

        /// <returns>What can be shown now that it is whole.</returns>
        public AIContent? End() => start.Kind switch
        {
            BlockKind.ToolCall => NewCall(),
            BlockKind.Refusal => new ErrorContent(_whole.ToString()) { ErrorCode = "refusal" },
            BlockKind.Image when Convert.TryFromBase64String(_whole.ToString(), new byte[_whole.Length], out _) =>
                new DataContent(Convert.FromBase64String(_whole.ToString()), start.Name ?? "image/png"),
            _ => null,
        };

        private FunctionCallContent NewCall()
        {
            var arguments = _whole.Length == 0 ? "{}" : _whole.ToString();
            var call = FunctionCallContent.CreateFromParsedArguments(arguments, start.CallId ?? "", start.Name ?? "", ChatJson.ReadArguments);
            if (!string.IsNullOrEmpty(_signature)) call.AdditionalProperties = new() { [Signature] = _signature };
            return call;
        }

        private static CitationAnnotation AnnotationOf(Citation citation) => new()
        {
            Url = Uri.TryCreate(citation.Url, UriKind.Absolute, out var url) ? url : null,
            Title = citation.Title,
            Snippet = citation.Quote,
            AnnotatedRegions = citation.Start is null && citation.End is null ? null : [new TextSpanAnnotatedRegion { StartIndex = citation.Start, EndIndex = citation.End }],
        };
    }
}
