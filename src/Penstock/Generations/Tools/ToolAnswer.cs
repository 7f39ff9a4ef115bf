using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Generations.Tools;

/// <summary>
/// Lets a provider's answer through to the recorder, and marks the calls of tools that the server runs. The provider's own payloads
/// are never shown, though it speak the client's protocol: to the client, several answers are one.
/// </summary>
internal sealed class ToolAnswer(IAnswerSink sink, ToolSet tools) : IAnswerSink
{
    public bool HasOutput => sink.HasOutput;

    public void Begin(bool asAsked) => sink.Begin(asAsked: false);

    public void Write(in GenerationEvent generationEvent)
    {
        if (generationEvent is { Kind: EventKind.BlockStart, BlockKind: BlockKind.ToolCall } && tools.Find(generationEvent.Name) is { } tool)
            sink.Write(generationEvent with { BlockKind = BlockKind.ServerToolCall, Server = tool.Tool.Server, Id = null }); // providers count theirs anew in each step
        else
            sink.Write(generationEvent);
    }

    // Usage is said once, of all steps together.
    public void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, Usage? usage) => sink.EndPayload(eventName, payload, usage: null);

    public ValueTask CommitAsync() => sink.CommitAsync();
}
