using Penstock.Generations;
using Penstock.Generations.Filters;
using Penstock.Generations.Tools;
using Penstock.Limits;
using Penstock.Providers;

namespace Penstock.AspNetCore.Configuration;

/// <summary>The configuration section <c>Penstock</c>. Every key is checked at start.</summary>
public sealed class PenstockOptions
{
    public const string Section = "Penstock";

    /// <summary>Who answers when a request names no model: <c>provider/model</c> or an alias.</summary>
    public string DefaultModel { get; set; } = "simulated/chat";

    public IDictionary<string, ProviderOptions> Providers { get; set; } = new Dictionary<string, ProviderOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Aliases for models.</summary>
    public IDictionary<string, AliasOptions> Models { get; set; } = new Dictionary<string, AliasOptions>(StringComparer.OrdinalIgnoreCase);

    public StorageOptions Storage { get; set; } = new();

    public StreamsOptions Streams { get; set; } = new();

    public GenerationsOptions Generations { get; set; } = new();

    public QueueOptions Queue { get; set; } = new();

    public RetryOptions Retry { get; set; } = new();

    /// <summary>What answers must not show.</summary>
    public IList<FilterOptions> Filters { get; set; } = [];

    /// <summary>How far an answer may go with tools that the server runs.</summary>
    public ToolOptions Tools { get; set; } = new();

    public CacheOptions Cache { get; set; } = new();

    /// <summary>What becomes of conversations that are longer than their model can read.</summary>
    public HistoryOptions History { get; set; } = new();

    public ConversationsOptions Conversations { get; set; } = new();

    public LimitsOptions Limits { get; set; } = new();

    public CorsOptions Cors { get; set; } = new();

    public AuthOptions Auth { get; set; } = new();

    /// <summary>What carries connections: <c>auto</c>, which is Penstock's own event loop where there is epoll, or <c>sockets</c>, the framework's.</summary>
    public string Transport { get; set; } = "auto";
}

/// <summary>Where streams are kept.</summary>
public sealed class StorageOptions
{
    /// <summary><c>disk</c>, <c>memory</c> or <c>redis</c>.</summary>
    public string Kind { get; set; } = "disk";

    /// <summary>The data folder of the disk store, relative to the working directory.</summary>
    public string Path { get; set; } = "data";

    /// <summary>What an event is safe from before anybody sees it: <c>process</c> (kill -9) or <c>power</c> (power failure; fdatasync).</summary>
    public string Commit { get; set; } = "process";

    /// <summary>How long a stream is kept after its ending.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>The largest stream, in bytes.</summary>
    public long MaxStreamBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Where the Redis store is: <c>host:port</c>, or a connection string as StackExchange.Redis reads it.</summary>
    public string Redis { get; set; } = "localhost:6379";

    /// <summary>How long what is being generated waits for a Redis that has gone; then it fails.</summary>
    public TimeSpan RedisOutage { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The largest sum of all streams in the memory store, and of the newest events that this process holds of those in Redis, in bytes.</summary>
    public long MaxMemoryBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>
    /// The largest data folder of the disk store, in bytes, 0 for no limit: beyond, what was written longest ago is forgotten,
    /// whole segments at a time.
    /// </summary>
    public long MaxDiskBytes { get; set; }
}

public sealed class StreamsOptions
{
    /// <summary>How long a stream may be silent before a comment is sent.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a client may take nothing of what there is for it; then it is cut off, and can resume.</summary>
    public TimeSpan StalledReader { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an event of a Durable Stream is kept, at least; 0 for as long as the stream.</summary>
    public TimeSpan KeepFor { get; set; }

    /// <summary>How many bytes of a Durable Stream are kept, at least, the newest ones; 0 for all of them.</summary>
    public long KeepBytes { get; set; }

    /// <summary>How many Durable Streams an owner may keep; 0 for no limit.</summary>
    public long MaxPerOwner { get; set; }

    /// <summary>How many bytes an owner's Durable Streams may hold together; 0 for no limit.</summary>
    public long MaxBytesPerOwner { get; set; }

    /// <summary>How long a long-poll waits for something to come.</summary>
    public TimeSpan LongPollTimeout { get; set; } = TimeSpan.FromSeconds(20);
}

public sealed class GenerationsOptions
{
    /// <summary>What the disconnect of an SDK's client does: <c>detach</c>, <c>cancel</c> or <c>grace</c>.</summary>
    public string OnDisconnect { get; set; } = "grace";

    /// <summary>What becomes of a generation whose server died: <c>fail</c>, <c>restart</c> or <c>continue</c>.</summary>
    public string OnCrash { get; set; } = "fail";

    /// <summary>How long a generation goes on with nobody watching, under <c>grace</c>.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many generations may run at once in this process; more are told to come back.</summary>
    public int MaxRunning { get; set; } = 50_000;

    /// <summary>How long a shutdown waits for running generations.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    internal DisconnectPolicy Policy => DisconnectPolicy.Parse(OnDisconnect, Grace, "Penstock:Generations:OnDisconnect");
}

/// <summary>How generations come to whoever runs them.</summary>
public sealed class QueueOptions
{
    /// <summary><c>local</c>: this process. <c>rabbitmq</c>: any worker.</summary>
    public string Kind { get; set; } = "local";

    /// <summary>The broker: <c>amqp://host:5672/vhost</c>.</summary>
    public string RabbitMq { get; set; } = "amqp://localhost:5672";

    /// <summary><c>gateway</c>: holds clients. <c>worker</c>: holds providers. <c>both</c>.</summary>
    public string Role { get; set; } = "both";

    /// <summary>How many generations may wait for a worker.</summary>
    public long MaxLength { get; set; } = 10_000;

    /// <summary>What becomes of a request beyond that: <c>reject</c> or <c>wait</c>.</summary>
    public string WhenFull { get; set; } = "reject";

    internal bool TakesRequests => Role != "worker";

    internal bool Works => Role != "gateway";
}

public sealed class LimitsOptions
{
    /// <summary>The largest request body, in bytes.</summary>
    public long MaxBodyBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>What each key may use, unless the key says otherwise.</summary>
    public LimitSettings PerKey { get; set; } = new();

    /// <summary>What each owner may use, by all keys and tokens together.</summary>
    public LimitSettings PerOwner { get; set; } = new();

    /// <summary>What some owners may use instead, by their names.</summary>
    public IDictionary<string, LimitSettings> Owners { get; set; } = new Dictionary<string, LimitSettings>(StringComparer.Ordinal);

    /// <summary>What models cost, for budgets; the first that fits counts.</summary>
    public IList<ModelPrice> Prices { get; set; } = [];

    /// <summary>How many tokens are reserved for an answer whose request does not say how long it may get.</summary>
    public long ReservedTokens { get; set; } = 1024;
}

/// <summary>When an answer serves for the same request again.</summary>
public sealed class CacheOptions
{
    /// <summary>How old it may be where the request does not say; 0 for requests that ask for it alone.</summary>
    public TimeSpan MaxAge { get; set; }
}

public sealed class ConversationsOptions
{
    /// <summary>How long a conversation is kept that nobody reads or goes on with.</summary>
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How many conversations an owner may keep; 0 for no limit.</summary>
    public long MaxPerOwner { get; set; }

    /// <summary>How many bytes an owner's conversations may hold together; 0 for no limit.</summary>
    public long MaxBytesPerOwner { get; set; }
}

public sealed class CorsOptions
{
    /// <summary>Origins whose pages may call; <c>*</c> for all. None by default.</summary>
    public IList<string> Origins { get; set; } = [];
}
