using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

public sealed class ConversationStoreTests
{
    private const string Turn = "gen_0123456789abcdef0123456789abcdef";
    private static readonly Owner _nobody = new(null);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task A_turn_whose_server_died_before_it_was_a_generation_lapses_after_a_minute()
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions(), _time);
        var store = NewStore(log);
        var id = await CreateAsync(store);
        await store.BeginAsync(await NextAsync(store, id), Turn);
        _time.Advance(TimeSpan.FromSeconds(50));
        (await store.OpenAsync(id, _nobody))!.Head.Turn.ShouldBe(Turn);
        (await Should.ThrowAsync<RequestException>(async () => await store.BeginAsync(await NextAsync(store, id), "gen_1"))).Status.ShouldBe(409);
        _time.Advance(TimeSpan.FromSeconds(11));
        var conversation = (await store.OpenAsync(id, _nobody)).ShouldNotBeNull();
        conversation.Head.Turn.ShouldBeNull();
        conversation.Said!.Items.ShouldBeEmpty();
        await store.BeginAsync(await NextAsync(store, id), "gen_1");
    }

    [Fact]
    public async Task Of_two_that_have_read_the_same_one_appends()
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions(), _time);
        var store = NewStore(log);
        var id = await CreateAsync(store);
        var turn = await NextAsync(store, id);
        var begun = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await Task.Yield();
            try
            {
                await store.BeginAsync(turn, $"gen_{i}");
                return 1;
            }
            catch (RequestException e) when (e.Code == ConversationStore.LockedCode)
            {
                return 0;
            }
        }));
        begun.Sum().ShouldBe(1);
        (await store.OpenAsync(id, _nobody))!.Said!.Turns.Count.ShouldBe(1);
        await Should.ThrowAsync<RequestException>(async () => await store.BeginAsync(turn, "gen_late")); // of what it goes on from more is there now
    }

    [Fact]
    public async Task It_is_kept_while_it_is_used()
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions(), _time);
        var store = NewStore(log);
        var id = await CreateAsync(store);
        for (var i = 0; i < 3; i++)
        {
            _time.Advance(TimeSpan.FromDays(20));
            (await store.OpenAsync(id, _nobody)).ShouldNotBeNull();
        }

        _time.Advance(TimeSpan.FromDays(31));
        (await store.OpenAsync(id, _nobody)).ShouldBeNull();
    }

    private ConversationStore NewStore(IStreamLog log) => new(log, TimeSpan.FromDays(30), _time, NullLogger<ConversationStore>.Instance);

    private static async Task<string> CreateAsync(ConversationStore store)
    {
        var id = ConversationId.New();
        await store.CreateAsync(id, new ConversationLabel(null, null), "{}"u8.ToArray(), []);
        return id;
    }

    private static async Task<ConversationTurn> NextAsync(ConversationStore store, string id) =>
        new(id, (await store.OpenAsync(id, _nobody))!.Info.NextOffset, Encoding.UTF8.GetBytes("""{"input":"Hi"}"""));
}
