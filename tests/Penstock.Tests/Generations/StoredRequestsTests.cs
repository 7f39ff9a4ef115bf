using System.Text;
using System.Text.Json.Nodes;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Responses;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

/// <summary>A conversation of many requests is kept once, and is whole to each of them.</summary>
public sealed class StoredRequestsTests
{
    private static readonly GenerationMetadata _metadata = new("responses", Stream: true, IncludeUsage: false, Choices: 1, "m", "up/m");

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task A_long_conversation_is_kept_once()
    {
        await using var log = NewLog();
        var requests = NewRequests(log);
        const int Turns = 130; // more than one chain of forks has
        for (var turn = 0; turn < Turns; turn++)
        {
            await SayAsync(requests, turn);
            (await LoadAsync(requests, turn)).Count.ShouldBe((2 * turn) + 1);
        }

        var inputs = await LoadAsync(requests, Turns - 1);
        inputs[0].ShouldBe("Question 0");
        inputs[^2].ShouldBe($"Answer {Turns - 2}");
        inputs[^1].ShouldBe($"Question {Turns - 1}");

        var lengths = new List<long>();
        for (var turn = 0; turn < Turns; turn++) lengths.Add((await log.GetAsync(Path(turn))).ShouldNotBeNull().NextOffset);
        lengths.Count(l => l == 1).ShouldBe(3); // kept whole: the first, and where a new chain begins
        lengths.Max().ShouldBeLessThanOrEqualTo(101);
    }

    [Fact]
    public async Task What_a_later_request_goes_on_from_stays_with_it_whatever_becomes_of_the_earlier()
    {
        await using var log = NewLog();
        var requests = NewRequests(log);
        for (var turn = 0; turn < 4; turn++) await SayAsync(requests, turn);
        (await requests.DeleteAsync(Id(0))).ShouldBeTrue();
        (await requests.DeleteAsync(Id(2))).ShouldBeTrue();
        (await requests.LoadAsync(Id(2), _metadata)).ShouldBeNull();
        (await LoadAsync(requests, 3)).Count.ShouldBe(7);

        await SayAsync(requests, 4, from: 2); // its stream is gone, but whoever asked had read it before
        (await LoadAsync(requests, 4)).ShouldBe(["Question 4"]);
    }

    [Fact]
    public async Task It_is_kept_as_long_as_the_store_keeps_what_it_belongs_to()
    {
        await using var log = NewLog();
        var requests = NewRequests(log);
        await SayAsync(requests, 0);
        _time.Advance(TimeSpan.FromHours(13));
        await SayAsync(requests, 1);
        _time.Advance(TimeSpan.FromHours(12));
        (await requests.LoadAsync(Id(0), _metadata)).ShouldBeNull();
        (await LoadAsync(requests, 1)).Count.ShouldBe(3);
        _time.Advance(TimeSpan.FromHours(13));
        (await requests.LoadAsync(Id(1), _metadata)).ShouldBeNull();
    }

    private MemoryStreamLog NewLog() => new(new StreamStoreOptions(), _time);

    private StoredRequests NewRequests(IStreamLog log) => new(log, TimeSpan.FromHours(24), _time);

    private static string Id(int turn) => $"gen_{turn:x32}";

    private static string Path(int turn) => $"requests/{Id(turn)}";

    private static async Task SayAsync(StoredRequests requests, int turn, int? from = null)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"input":"Question {{turn}}"{{(turn == 0 ? "" : ",\"previous_response_id\":\"resp_x\"")}}}""");
        var request = ClientProtocols.Responses.ReadRequest(body);
        if (turn > 0)
        {
            var before = from ?? turn - 1;
            var answer = Encoding.UTF8.GetBytes($$"""[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Answer {{before}}"}]}]""");
            var whole = await requests.LoadAsync(Id(before), _metadata) is { } earlier ? ResponsesConversation.Join(body, [earlier.Body, answer]) : body;
            request = ClientProtocols.Responses.ReadRequest(whole) with { Continues = new Continuation(Id(before), answer, body) };
        }

        await requests.SaveAsync(Id(turn), request);
    }

    /// <summary>The texts of a request's conversation.</summary>
    private static async Task<List<string>> LoadAsync(StoredRequests requests, int turn)
    {
        var request = (await requests.LoadAsync(Id(turn), _metadata)).ShouldNotBeNull();
        var input = JsonNode.Parse(request.Body.Span)!["input"]!;
        return input is System.Text.Json.Nodes.JsonValue ? [(string)input!] : [.. input.AsArray().Select(i => (string)i!["content"]![0]!["text"]!)];
    }
}
