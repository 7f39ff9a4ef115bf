namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>
/// What the followers of one stream share: the frame that was encoded last. Those at the end of a stream all need the same
/// one next, so the first of them encodes it for all.
/// </summary>
internal sealed class SseChannel
{
    private volatile SseFrame? _latest;

    /// <summary>How many follow; guarded by the channels' lock.</summary>
    public int Followers { get; set; }

    public SseFrame? Latest
    {
        get => _latest;
        set => _latest = value;
    }
}

/// <summary>The channels of all streams that somebody follows, by the streams' numbers.</summary>
internal sealed class SseChannels
{
    private readonly Dictionary<long, SseChannel> _channels = []; // guards itself

    public SseChannel Join(long stream)
    {
        lock (_channels)
        {
            if (!_channels.TryGetValue(stream, out var channel)) _channels.Add(stream, channel = new SseChannel());
            channel.Followers++;
            return channel;
        }
    }

    public void Leave(long stream)
    {
        lock (_channels)
        {
            if (--_channels[stream].Followers == 0) _channels.Remove(stream);
        }
    }
}
