namespace Penstock.Testing;

/// <summary>Reads an event stream from a plain socket, event by event.</summary>
public sealed class SseClient : IDisposable
{
    private readonly byte[] _buffer = new byte[16 * 1024];
    private readonly Queue<SseEvent> _ready = new();
    private readonly SseEvents _events = new();

    private SseClient(RawReply reply) => Reply = reply;

    public RawReply Reply { get; }

    public string LastEventId => _events.LastEventId;

    public long? Retry => _events.Retry;

    public IReadOnlyList<string> Comments => _events.Comments;

    /// <summary>The generation that the reply's header names.</summary>
    public string Generation => Reply.Headers["Penstock-Generation"];

    /// <summary>How many body bytes were taken so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Sends the request; the status may be anything.</summary>
    public static async Task<SseClient> OpenAsync(RawRequest request, int receiveBuffer = 0)
    {
        if (!request.Headers.Any(h => h.Name == "Accept")) request = request.With("Accept", "text/event-stream");
        return new(await RawReply.SendAsync(request, receiveBuffer).WaitAsync(Eventually.Limit));
    }

    /// <summary>The next event, or null when the body has ended or, with a limit, when that many bytes of it were read.</summary>
    public async Task<SseEvent?> NextAsync(long byteLimit = long.MaxValue)
    {
        SseEvent? next;
        while (!_ready.TryDequeue(out next))
        {
            var count = (int)Math.Min(_buffer.Length, byteLimit - BytesRead);
            if (count <= 0 || (count = await Reply.ReadAsync(_buffer.AsMemory(0, count)).WaitAsync(Eventually.Limit)) == 0) return null;
            BytesRead += count;
            foreach (var e in _events.Feed(_buffer.AsMemory(0, count))) _ready.Enqueue(e);
        }

        return next;
    }

    /// <summary>Reads bytes, comments too, until the condition holds of this client.</summary>
    public async Task ReadUntilAsync(Func<SseClient, bool> condition)
    {
        while (!condition(this))
        {
            var count = await Reply.ReadAsync(_buffer).WaitAsync(Eventually.Limit);
            if (count == 0) throw new IOException("The body ended first.");
            BytesRead += count;
            foreach (var e in _events.Feed(_buffer.AsMemory(0, count))) _ready.Enqueue(e);
        }
    }

    /// <summary>All events to the end of the body.</summary>
    public async Task<List<SseEvent>> RestAsync()
    {
        var all = new List<SseEvent>();
        while (await NextAsync() is { } e) all.Add(e);
        return all;
    }

    /// <summary>Opens, reads to the end, closes.</summary>
    public static async Task<List<SseEvent>> AllAsync(RawRequest request)
    {
        using var client = await OpenAsync(request);
        return await client.RestAsync();
    }

    /// <summary>Breaks the connection off.</summary>
    public void Cut(bool reset = false) => Reply.Cut(reset);

    public void Dispose() => Reply.Dispose();
}
