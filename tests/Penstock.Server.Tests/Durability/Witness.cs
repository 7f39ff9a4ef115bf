using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary>A client that remembers what it saw until the server was killed, and compares it with what the server says later.</summary>
internal sealed class Witness(Api api, string prompt, bool chat)
{
    private string? _after;

    /// <summary>The events in the order they came.</summary>
    public List<SseEvent> Seen { get; } = [];

    public string Generation { get; private set; } = "";

    public bool Interrupted { get; private set; }

    /// <summary>Streams until the end, or until the server dies.</summary>
    public async Task WatchAsync()
    {
        try
        {
            using var client = await SseClient.OpenAsync(Request);
            Generation = client.Generation;
            while (await client.NextAsync() is { } e) Seen.Add(e);
        }
        catch (IOException)
        {
            // Killed.
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Killed before it was reached.
        }
    }

    /// <summary>Everything that was seen is there, byte for byte, and the generation has one ending.</summary>
    public async Task CheckAsync()
    {
        var native = await SseClient.AllAsync(api.Events(Generation));
        native.Count(View.IsNativeEnding).ShouldBe(1, $"{prompt}: one ending");
        View.IsNativeEnding(native[^1]).ShouldBeTrue($"{prompt}: the ending is last");
        var places = native.Select(e => View.Place(e.Id!)).ToList();
        places.Zip(places.Skip(1)).ShouldAllBe(pair => pair.First.CompareTo(pair.Second) < 0);

        // Everything after the first event that was seen, as the same protocol shows it now.
        var now = chat ? await RestAsync(Seen[0].Id!) : native.Skip(native.FindIndex(e => e.Id == Seen[0].Id) + 1).ToList();
        now.Take(Seen.Count - 1).Select(e => e.Raw).ShouldBe(Seen.Skip(1).Select(e => e.Raw), $"{prompt}: what was seen");
        if (!chat) native[0].Raw.ShouldBe(Seen[0].Raw);

        var snapshot = await api.SnapshotAsync(Generation);
        var text = (string)snapshot["text"]!;
        var whole = string.Concat(Tokens.OfPrompt(prompt));
        whole.ShouldStartWith(text);
        text.ShouldStartWith(chat ? View.ChatText(Seen.Where(e => e.Data.StartsWith('{'))) : View.NativeText(Seen));
        text.ShouldBe(View.NativeText(native));
        var type = native[^1].Type();
        Interrupted = type == "interrupted";
        ((string)snapshot["status"]!).ShouldBe(type);
        (type is "interrupted" || (type is "finished" && text == whole)).ShouldBeTrue($"{prompt} ended as {type}");
        if (chat && Interrupted && now.Count > 0) now[^1].Json()["error"].ShouldNotBeNull();

        // The same again after another restart: not even the ending has another id or another byte.
        var all = string.Concat(native.Select(e => e.Raw));
        (_after ??= all).ShouldBe(all, $"{prompt}: changed between restarts");
    }

    private RawRequest Request => chat ? api.Chat("up/m", prompt) : api.Native("up/m", prompt, stream: true);

    private async Task<List<SseEvent>> RestAsync(string lastId)
    {
        using var client = await SseClient.OpenAsync(Request.With("Last-Event-ID", lastId));
        return client.Reply.Status == 204 ? [] : await client.RestAsync();
    }
}
