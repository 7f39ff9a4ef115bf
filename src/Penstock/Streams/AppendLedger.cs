namespace Penstock.Streams;

/// <summary>
/// What a shared stream knows of its producers, so that each append is stored once. It has two views: what is stored, and
/// what is on its way, for a producer does not wait for one append before it sends the next. Guarded by the stream's gate.
/// </summary>
internal sealed class AppendLedger(long nextOffset)
{
    /// <summary>The most producers that a stream remembers; beyond, the one that appended longest ago is forgotten.</summary>
    public const int MaxProducers = 4096;

    /// <summary>The most bytes that a producer's id or a sequence may have.</summary>
    public const int MaxNameBytes = 1024;

    private Dictionary<string, ProducerState>? _stored;
    private Dictionary<string, ProducerState>? _staged; // on its way, on top of what is stored
    private string? _storedSequence;
    private string? _stagedSequence;
    private long _stagedNext = nextOffset;
    private bool _stagedClosed;
    private int _onTheirWay;

    /// <summary>Something admitted is not stored yet, so what rests on it is not certain.</summary>
    public bool IsUncertain => _onTheirWay > 0;

    /// <summary>The offset that the next admitted append gets.</summary>
    public long StagedNext => _stagedNext;

    /// <summary>The last sequence that is stored.</summary>
    public string? Sequence => _storedSequence;

    /// <summary>The producers, those that appended longest ago first.</summary>
    public IEnumerable<KeyValuePair<string, ProducerState>> Producers => (_stored ?? []).OrderBy(p => p.Value.At);

    /// <summary>Whether the stream takes an append; if not, why.</summary>
    /// <param name="append">What it says of itself.</param>
    /// <param name="isEmpty">It has no events.</param>
    /// <param name="isClosed">The stream is closed.</param>
    public AppendResult Judge(in StreamAppend append, bool isEmpty, bool isClosed)
    {
        isClosed |= _stagedClosed;
        var result = new AppendResult(AppendStatus.Appended, _stagedNext, isClosed);
        if (append.ProducerId is { } id)
        {
            var isKnown = Find(id, out var known);
            if (isKnown)
            {
                result = result with { ProducerEpoch = known.Epoch, ProducerSeq = known.Seq };
                if (append.ProducerEpoch < known.Epoch) return result with { Status = AppendStatus.StaleEpoch };
                if (append.ProducerEpoch == known.Epoch && append.ProducerSeq <= known.Seq) return result with { Status = AppendStatus.Duplicate };
            }

            if (!isClosed)
            {
                var isNewEpoch = isKnown && append.ProducerEpoch > known.Epoch;
                if (isNewEpoch && append.ProducerSeq != 0) return result with { Status = AppendStatus.EpochStartsLate };
                if (!isNewEpoch && append.ProducerSeq != result.ProducerSeq + 1) return result with { Status = AppendStatus.Gap };
            }
        }

        if (isClosed) return result with { Status = append is { Close: true, ProducerId: null } && isEmpty ? AppendStatus.Duplicate : AppendStatus.Closed };
        if (append.Sequence is { } sequence && _stagedSequence is { } last && string.CompareOrdinal(sequence, last) <= 0)
            return result with { Status = AppendStatus.OutOfOrder };
        return append.ProducerId is null ? result : result with { ProducerEpoch = append.ProducerEpoch, ProducerSeq = append.ProducerSeq };
    }

    /// <summary>Takes note of an append that was admitted.</summary>
    /// <returns>The offset of its first event.</returns>
    public long Stage(in StreamAppend append, int count)
    {
        var first = _stagedNext;
        _stagedNext += count;
        _onTheirWay++;
        if (append.ProducerId is { } id) (_staged ??= [])[id] = new ProducerState(append.ProducerEpoch, append.ProducerSeq, _stagedNext);
        if (append.Sequence is { } sequence) _stagedSequence = sequence;
        _stagedClosed |= append.Close;
        return first;
    }

    /// <summary>An append that was staged is stored.</summary>
    public void Store(in StreamAppend append, long nextOffset)
    {
        Recover(append, nextOffset);
        if (--_onTheirWay == 0) _staged = null;
    }

    /// <summary>Takes in an append that was found stored; what is known already may be later.</summary>
    public void Recover(in StreamAppend append, long nextOffset)
    {
        if (nextOffset > _stagedNext) _stagedNext = nextOffset;
        if (append.Sequence is { } sequence && (_storedSequence is null || string.CompareOrdinal(sequence, _storedSequence) > 0)) _storedSequence = sequence;
        if (_onTheirWay == 0) _stagedSequence = _storedSequence;
        if (append.ProducerId is not { } id) return;
        _stored ??= [];
        if (_stored.TryGetValue(id, out var known) && known.At > nextOffset) return;
        _stored[id] = new ProducerState(append.ProducerEpoch, append.ProducerSeq, nextOffset);
        if (_stored.Count > MaxProducers) _stored.Remove(_stored.MinBy(p => p.Value.At).Key);
    }

    /// <summary>Nothing that was on its way will be stored.</summary>
    public void Abandon(long nextOffset)
    {
        _staged = null;
        _stagedSequence = _storedSequence;
        _stagedNext = nextOffset;
        _stagedClosed = false;
        _onTheirWay = 0;
    }

    private bool Find(string id, out ProducerState state)
    {
        if (_staged is not null && _staged.TryGetValue(id, out state)) return true;
        state = default;
        return _stored is not null && _stored.TryGetValue(id, out state);
    }
}
