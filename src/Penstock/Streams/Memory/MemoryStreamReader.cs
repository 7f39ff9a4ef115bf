namespace Penstock.Streams.Memory;

internal sealed class MemoryStreamReader(MemoryLogStream stream, long offset) : WaitingReader(stream, offset)
{
    private Page? _page;
    private long _ownersEnd; // where the events of the stream that the page belongs to end, for this reader

    public override bool TryRead(out StreamEvent streamEvent)
    {
        if (NextOffset >= stream.NextOffset || NextOffset < stream.FirstOffset || stream.IsGone)
        {
            streamEvent = default;
            return false;
        }

        if (_page is null || NextOffset >= _ownersEnd) FindOwner();
        if (NextOffset < _page!.FirstOffset) // forgotten just now
        {
            _page = null;
            streamEvent = default;
            return false;
        }

        while (_page.Next is { } next && next.FirstOffset <= NextOffset) _page = next;
        streamEvent = new StreamEvent(NextOffset, _page[NextOffset]);
        NextOffset++;
        return true;
    }

    // A fork begins with the events of its source.
    private void FindOwner()
    {
        var owner = stream;
        _ownersEnd = long.MaxValue;
        while (owner.Terms is { } terms && NextOffset < terms.ForkOffset)
        {
            _ownersEnd = Math.Min(_ownersEnd, terms.ForkOffset); // a fork of a fork may have begun before that one did
            owner = (MemoryLogStream)terms.Source!;
        }

        _page = owner.First;
    }
}
