using Penstock.Testing;

namespace Penstock.Client.Tests;

/// <summary>What the tests do with clients, and what is true of an answer that came whole.</summary>
internal static class Answers
{
    public static PenstockClient Direct(this PenstockProcess server) => To(server.Url);

    public static PenstockClient Through(this CuttingProxy proxy, Action<PenstockException>? reconnecting = null) => To(proxy.Url, reconnecting);

    public static async Task<List<PenstockEvent>> ReadAsync(this IAsyncEnumerable<PenstockEvent> run)
    {
        var events = new List<PenstockEvent>();
        await foreach (var next in run) events.Add(next);
        return events;
    }

    public static string TextOf(IEnumerable<PenstockEvent> events) => string.Concat(events.OfType<BlockDelta>().Select(d => d.Text));

    /// <summary>It came once and in order: it is what the server keeps.</summary>
    public static async Task ShouldBeWholeAsync(this List<PenstockEvent> events, PenstockProcess server)
    {
        using var direct = server.Direct();
        var kept = await direct.Attach(events[0].Generation).ReadAsync();
        events.Select(Line).ShouldBe(kept.Select(Line));
        events[^1].ShouldBeOfType<GenerationFinished>();
    }

    private static string Line(PenstockEvent next) => $"{next.Id} {System.Text.Encoding.UTF8.GetString(next.Json.Span)}";

    private static PenstockClient To(Uri address, Action<PenstockException>? reconnecting = null) =>
        new(new PenstockClientOptions { BaseAddress = address, OnReconnecting = reconnecting });
}
