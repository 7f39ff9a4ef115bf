using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints;
using Penstock.AspNetCore.Endpoints.Conversations;
using Penstock.AspNetCore.Endpoints.DurableStreams;
using Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;
using Penstock.AspNetCore.Replies;
using Penstock.AspNetCore.Transport;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Generations.Filters;
using Penstock.Generations.Summaries;
using Penstock.Generations.Tools;
using Penstock.Jobs;
using Penstock.Limits;
using Penstock.Limits.Memory;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Streams.Disk;
using Penstock.Streams.Memory;
using Penstock.Telemetry;

namespace Penstock.AspNetCore;

public static class PenstockServiceCollectionExtensions
{
    /// <summary>
    /// Adds Penstock, configured by the section <c>Penstock</c> of <paramref name="configuration"/> and by the well-known
    /// keys (<c>OPENAI_API_KEY</c> and others) beside it. Map its endpoints with
    /// <see cref="PenstockEndpointRouteBuilderExtensions.MapPenstock"/>.
    /// </summary>
    /// <exception cref="OptionsValidationException">At start: the configuration is wrong; the message names the key and the mend.</exception>
    public static IServiceCollection AddPenstock(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<PenstockOptions>()
            .Configure(_ => ConfigurationSpelling.Check(configuration.GetSection(PenstockOptions.Section)))
            .Bind(configuration.GetSection(PenstockOptions.Section))
            .PostConfigure(options => PlainTargets.Add(options, configuration))
            .PostConfigure(options => WellKnownProviders.Add(options, configuration))
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<PenstockOptions>, PenstockOptionsValidator>();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<PenstockOptions>>().Value);
        services.TryAddSingleton(TimeProvider.System);

        services.TryAddSingleton(NewLog);
        services.AddSingleton(NewRouter);
        services.AddSingleton(NewGenerations);
        services.TryAddSingleton<IJobQueue, LocalJobQueue>();
        services.AddSingleton(NewRequests);
        services.AddSingleton(NewConversations);
        services.AddSingleton(static provider => provider.GetRequiredService<PenstockOptions>().History);
        services.AddSingleton<HistoryBudgets>();
        services.AddSingleton(NewSummaries);
        services.AddSingleton<Summarizer>();
        services.AddSingleton<Watchers>();
        services.TryAddSingleton<ILimiter, MemoryLimiter>();
        services.AddSingleton(NewLimits);
        services.AddSingleton<GenerationLimits>();
        services.AddSingleton<CallerLimits>();
        services.AddSingleton<ToolBox>();
        services.AddSingleton(NewApprovals);
        services.AddSingleton<ToolLoops>();
        services.AddSingleton<ToolApprovals>();
        services.AddSingleton<GenerationRecovery>();
        services.AddSingleton<GenerationWorker>();
        services.AddSingleton<GenerationCatalog>();
        services.AddSingleton<GenerationService>();
        services.AddHostedService<GenerationLifetime>();

        services.AddSingleton(NewReplies);
        services.AddSingleton<GenerationEndpoint>();
        services.AddSingleton<ChatCompletionsEndpoints>();
        services.AddSingleton<TokenCounter>();
        services.AddSingleton<MessagesEndpoints>();
        services.AddSingleton<GeminiEndpoints>();
        services.AddSingleton<ResponseStore>();
        services.AddSingleton<ResponsesEndpoints>();
        services.AddSingleton<ConversationEndpoints>();
        services.AddSingleton<ConversationItemEndpoints>();
        services.AddSingleton<EventsEndpoint>();
        services.AddSingleton<NativeEndpoints>();
        services.AddSingleton<ApprovalEndpoints>();
        services.AddSingleton<TextEndpoints>();
        services.AddSingleton(NewChatTurns);
        services.AddSingleton<OllamaEndpoints>();
        services.AddSingleton<UiChatEndpoints>();
        services.AddSingleton<AgUiEndpoints>();
        services.AddSingleton<ModelsEndpoints>();
        services.AddSingleton<HealthEndpoints>();
        services.AddSingleton<MetricStore>();
        services.AddSingleton<MetricsEndpoints>();
        services.AddSingleton<UsageEndpoints>();
        services.AddSingleton<OperationsEndpoints>();
        AddDurableStreams(services);
        AddAuth(services);
        services.AddCors();
        return services;
    }

    /// <summary>
    /// Has Kestrel take its connections from Penstock's own event loops, where there is epoll and <c>Penstock:Transport</c> does
    /// not forbid it: less CPU a token and less memory a stream. What runs in such a connection's requests must not block.
    /// </summary>
    public static IServiceCollection AddPenstockTransport(this IServiceCollection services) =>
        services.AddSingleton<IConnectionListenerFactory, EpollListenerFactory>();

    /// <summary>Has models offered tools that run in this process, whenever they are asked or, with <paramref name="models"/>, when one of those is.</summary>
    /// <param name="services">The services.</param>
    /// <param name="tool">The tool. Its <see cref="ServerTool.Server"/> is the label by which clients ask for it.</param>
    /// <param name="models">The models as clients name them; none for all.</param>
    public static IServiceCollection AddPenstockTool(this IServiceCollection services, ServerTool tool, params string[] models) =>
        services.AddSingleton<IToolSource>(new ToolList(tool.Server, [tool]) { Models = models.Length == 0 ? ["*"] : models });

    private static void AddDurableStreams(IServiceCollection services)
    {
        services.AddSingleton<DurableStreamsEndpoints>();
        services.AddSingleton<CreateStream>();
        services.AddSingleton<AppendToStream>();
        services.AddSingleton<ReadStream>();
        services.AddSingleton<FollowStream>();
        services.AddSingleton<ListStreams>();
        services.AddSingleton<StreamQuota>();
        services.AddSingleton<SseChannels>();
        services.AddSingleton<WebhookClient>();
        services.AddSingleton<SubscriptionRegistry>();
        services.AddSingleton<SubscriptionEndpoints>();
        services.AddHostedService(provider => provider.GetRequiredService<SubscriptionRegistry>());
    }

    private static void AddAuth(IServiceCollection services)
    {
        services.AddSingleton<KeyRing>();
        services.AddHostedService(provider => provider.GetRequiredService<KeyRing>());
        services.AddSingleton<TokenValidator>();
        services.AddSingleton<Tickets>();
        services.AddSingleton<Authenticator>();
        services.AddSingleton<Gate>();
        services.AddHostedService<ExposureCheck>();
    }

    private static IStreamLog NewLog(IServiceProvider services)
    {
        var penstock = services.GetRequiredService<PenstockOptions>();
        var storage = penstock.Storage;
        var time = services.GetRequiredService<TimeProvider>();
        var keepFor = penstock.Streams.KeepFor == TimeSpan.Zero ? TimeSpan.MaxValue : penstock.Streams.KeepFor;
        var keepBytes = penstock.Streams.KeepBytes == 0 ? long.MaxValue : penstock.Streams.KeepBytes;
        if (storage.Kind == "redis")
            throw new InvalidOperationException("Penstock:Storage:Kind is 'redis', and this program was built without it: register an IStreamLog before AddPenstock.");
        if (storage.Kind == "memory")
        {
            var inMemory = new StreamStoreOptions
            {
                Retention = storage.Retention,
                MaxStreamBytes = storage.MaxStreamBytes,
                MaxTotalBytes = storage.MaxMemoryBytes,
                KeepFor = keepFor,
                KeepBytes = keepBytes,
            };
            return new MemoryStreamLog(inMemory, time);
        }

        var options = new DiskStoreOptions
        {
            Folder = Path.GetFullPath(storage.Path),
            Commit = storage.Commit == "power" ? CommitPolicy.Power : CommitPolicy.Process,
            Retention = storage.Retention,
            MaxStreamBytes = storage.MaxStreamBytes,
            MaxTotalBytes = storage.MaxDiskBytes == 0 ? long.MaxValue : storage.MaxDiskBytes,
            KeepFor = keepFor,
            KeepBytes = keepBytes,
        };
        return DiskStreamLog.Open(options, time, services.GetRequiredService<ILogger<DiskStreamLog>>());
    }

    private static ModelRouter NewRouter(IServiceProvider services)
    {
        var options = services.GetRequiredService<PenstockOptions>();
        var routing = new RoutingOptions
        {
            DefaultModel = options.DefaultModel,
            Providers = options.Providers.ToDictionary(StringComparer.OrdinalIgnoreCase),
            Aliases = options.Models.ToDictionary(StringComparer.OrdinalIgnoreCase),
            OwnTransport = options.Transport != "sockets",
        };
        return new ModelRouter(routing, services.GetRequiredService<TimeProvider>());
    }

    private static GenerationOptions NewGenerations(IServiceProvider services)
    {
        var all = services.GetRequiredService<PenstockOptions>();
        var options = all.Generations;
        return new GenerationOptions
        {
            ShutdownTimeout = options.ShutdownTimeout,
            MaxRunning = options.MaxRunning,
            Retry = all.Retry,
            Retention = all.Storage.Retention,
            Filters = [.. all.Filters.Select(OutputFilter.New)],
            Tools = all.Tools,
            OnCrash = Enum.Parse<CrashPolicy>(options.OnCrash, ignoreCase: true),
            MaxQueued = all.Queue.MaxLength,
            WaitsWhenFull = all.Queue.WhenFull == "wait",
            KeyLifetime = all.Storage.Retention + TimeSpan.FromDays(1), // no generation runs for a day
        };
    }

    private static LimitOptions NewLimits(IServiceProvider services)
    {
        var limits = services.GetRequiredService<PenstockOptions>().Limits;
        return new LimitOptions { Prices = [.. limits.Prices], ReservedTokens = limits.ReservedTokens };
    }

    private static Approvals NewApprovals(IServiceProvider services) => new(
        services.GetRequiredService<IStreamLog>(), services.GetRequiredService<GenerationOptions>().Retention, services.GetRequiredService<TimeProvider>());

    private static StoredRequests NewRequests(IServiceProvider services) => new(
        services.GetRequiredService<IStreamLog>(), services.GetRequiredService<GenerationOptions>().Retention, services.GetRequiredService<TimeProvider>());

    private static ConversationStore NewConversations(IServiceProvider services)
    {
        var (log, options, time) = (services.GetRequiredService<IStreamLog>(), services.GetRequiredService<PenstockOptions>().Conversations, services.GetRequiredService<TimeProvider>());
        return new ConversationStore(log, options.KeepFor, time, services.GetRequiredService<ILogger<ConversationStore>>())
        {
            Quota = new ConversationQuota(log, options.MaxPerOwner, options.MaxBytesPerOwner, time),
        };
    }

    private static SummaryStore NewSummaries(IServiceProvider services) => new(
        services.GetRequiredService<IStreamLog>(), services.GetRequiredService<GenerationOptions>().Retention, services.GetRequiredService<PenstockOptions>().Conversations.KeepFor);

    private static ChatTurns NewChatTurns(IServiceProvider services) => new(services.GetRequiredService<IStreamLog>(), services.GetRequiredService<GenerationOptions>().KeyLifetime);

    private static ReplyOptions NewReplies(IServiceProvider services) => new(
        services.GetRequiredService<PenstockOptions>().Streams.Heartbeat,
        services.GetRequiredService<PenstockOptions>().Streams.StalledReader,
        services.GetRequiredService<TimeProvider>(),
        services.GetRequiredService<GenerationService>().Stopping);
}
