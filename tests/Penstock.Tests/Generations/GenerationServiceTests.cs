using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Generations.Summaries;
using Penstock.Generations.Tools;
using Penstock.Jobs;
using Penstock.Limits;
using Penstock.Limits.Memory;
using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

public sealed class GenerationServiceTests
{
    [Fact]
    public async Task A_target_on_probation_is_not_lost_when_the_store_refuses_the_generation()
    {
        var time = new ManualTimeProvider();
        await using var log = new MemoryStreamLog(new StreamStoreOptions { MaxTotalBytes = 10 }, time);
        using var router = new ModelRouter(
            new RoutingOptions
            {
                DefaultModel = "fast",
                Providers = new Dictionary<string, ProviderOptions>(StringComparer.Ordinal) { ["simulated"] = new() { Protocol = "simulated" } },
                Aliases = new Dictionary<string, AliasOptions>(StringComparer.Ordinal) { ["fast"] = new() { Targets = [new TargetOptions { Model = "simulated/chat" }] } },
            },
            time);
        var health = router.Route("fast").Draw()[0].Health.ShouldNotBeNull();
        for (var i = 0; i < 10; i++) health.Failed();
        health.TryEnter().ShouldBeFalse();
        time.Advance(TimeSpan.FromMinutes(1));

        await using var queue = new LocalJobQueue();
        using var watchers = new Watchers(time);
        var (options, requests) = (new GenerationOptions(), new StoredRequests(log, TimeSpan.FromHours(24), TimeProvider.System));
        var tools = new ToolLoops(new ToolBox([], NullLogger<ToolBox>.Instance), new Approvals(log, TimeSpan.FromHours(24), time), log, options, time, NullLogger<ToolLoops>.Instance);
        var limits = new GenerationLimits(new MemoryLimiter(log, time, NullLogger<MemoryLimiter>.Instance), new LimitOptions(), time, NullLogger<GenerationLimits>.Instance);
        var conversations = new ConversationStore(log, TimeSpan.FromDays(30), time, NullLogger<ConversationStore>.Instance);
        var summarizer = new Summarizer(new SummaryStore(log, TimeSpan.FromHours(24), TimeSpan.FromDays(30)), log, limits, router, new HistoryOptions(), options, time, NullLogger<Summarizer>.Instance);
        var recovery = new GenerationRecovery(log, requests, conversations, limits, router, tools, summarizer, options, time, NullLogger<GenerationRecovery>.Instance);
        using var worker = new GenerationWorker(log, queue, requests, recovery, limits, router, tools, summarizer, conversations, watchers, options, time, NullLogger<GenerationWorker>.Instance);
        var catalog = new GenerationCatalog(log, queue, worker, watchers, options, NullLogger<GenerationCatalog>.Instance);
        var service = new GenerationService(log, queue, catalog, worker, recovery, requests, watchers, conversations, limits, router, new HistoryBudgets(new HistoryOptions(), new TokenCounter(router)), tools, options, time, NullLogger<GenerationService>.Instance);
        var request = new GenerationRequest { Protocol = "native", Body = "{}"u8.ToArray(), Messages = [], Model = "fast" };
        (await Should.ThrowAsync<RequestException>(async () => await service.StartAsync(
            request, ClientProtocols.Native, new StartOptions { OnDisconnect = DisconnectPolicy.Detach }))).Status.ShouldBe(507);
        health.TryEnter().ShouldBeTrue();
    }
}
