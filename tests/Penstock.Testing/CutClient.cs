namespace Penstock.Testing;

/// <summary>What a client that was cut off and came back has in the end.</summary>
public sealed class Transcript
{
    public List<SseEvent> Events { get; } = [];

    /// <summary>How often the connection was cut.</summary>
    public int Cuts { get; set; }

    /// <summary>The generations that the replies named; more than one only when a cut came before the first id.</summary>
    public List<string> Generations { get; } = [];
}

/// <summary>A client whose connection breaks at random bytes and moments, and that comes back with <c>Last-Event-ID</c>.</summary>
public static class CutClient
{
    /// <summary>Reads a stream to its end through any number of cuts.</summary>
    /// <param name="request">What is sent, each time.</param>
    /// <param name="random">Where the cuts are from.</param>
    /// <param name="cuts">How many times the connection is cut at most.</param>
    /// <param name="isEnd">Whether this event is the last one.</param>
    public static async Task<Transcript> ReadAsync(RawRequest request, Random random, int cuts, Func<SseEvent, bool> isEnd)
    {
        var transcript = new Transcript();
        var lastId = "";
        while (true)
        {
            var cutting = transcript.Cuts < cuts;
            var atByte = cutting && random.Next(2) == 0 ? random.Next(0, 900) : long.MaxValue;
            using var client = await SseClient.OpenAsync(lastId.Length > 0 ? request.With("Last-Event-ID", lastId) : request);
            if (client.Reply.Status == 204) return transcript;
            if (client.Reply.Status is not (200 or 201)) throw new IOException($"{client.Reply.Status}: {await client.Reply.TextAsync()}");
            if (!transcript.Generations.Contains(client.Generation)) transcript.Generations.Add(client.Generation);

            // The other half is cut by time, at whatever byte that is.
            using var timer = cutting && atByte == long.MaxValue
                ? new Timer(_ => client.Cut(reset: true), null, random.Next(1, 60), Timeout.Infinite) : null;
            var end = false;
            try
            {
                while (!end && await client.NextAsync(atByte) is { } e)
                {
                    transcript.Events.Add(e);
                    end = isEnd(e);
                }
            }
            catch (IOException) when (timer is not null)
            {
            }

            if (end) return transcript;
            if (client.Reply.Ended) throw new IOException($"The stream ended without its ending after {lastId}.");
            transcript.Cuts++;
            client.Cut(reset: random.Next(2) == 0);
            lastId = client.LastEventId.Length > 0 ? client.LastEventId : lastId;
        }
    }
}
