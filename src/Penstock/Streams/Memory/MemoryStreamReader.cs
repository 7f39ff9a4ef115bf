namespace Penstock.Streams.Memory;

internal sealed class MemoryStreamReader(MemoryLogStream stream, long offset) : WaitingReader(stream, offset)
{
    private Page _page = stream.First;

    public override bool TryRead(out StreamEvent streamEvent)
    {
        if (NextOffset >= stream.NextOffset || stream.IsGone)
        {
            streamEvent = default;
            return false;
        }

        while (_page.Next is { } next && next.FirstOffset <= NextOffset) _page = next;
        streamEvent = new StreamEvent(NextOffset, _page[NextOffset]);
        NextOffset++;
        return true;
    }
}
