using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary><c>/v1/stream/__ds/…</c>: subscriptions by webhook and by pull, and the key that webhooks are signed with.</summary>
internal sealed class SubscriptionEndpoints(SubscriptionRegistry subscriptions, WebhookClient webhooks, PenstockOptions options, TimeProvider time)
{
    public const string Prefix = "__ds/";

    // What anybody may send before it is known who they are: so many acks as have room in it, and no more memory.
    private const int MaxAckBytes = 1 << 20;

    // Each is in memory, and in every event of the subscription's log.
    private const int MaxStreams = 10_000;

    private const int MaxText = 2048;

    /// <summary>The operations: the address, the method, and what answers.</summary>
    public IEnumerable<(string Address, string Method, Surface Surface, Func<HttpContext, Task> Handler)> Operations
    {
        get
        {
            const string Root = StreamAddress.Root + Prefix;
            const string One = Root + "subscriptions/{id}";
            yield return (Root + "jwks.json", "GET", Surface.Open, KeysAsync);
            yield return (One, "PUT", Surface.Streams, context => PutAsync(context, IdOf(context)));
            yield return (One, "GET", Surface.Streams, async context => await GetAsync(context, await FindAsync(context)));
            yield return (One, "DELETE", Surface.Streams, async context => await DeleteAsync(context, await FindAsync(context)));
            yield return (One + "/streams", "POST", Surface.Streams, async context => await LinkAsync(context, await FindAsync(context)));
            yield return (One + "/streams/{**path}", "DELETE", Surface.Streams, async context => await UnlinkAsync(context, await FindAsync(context), Uri.UnescapeDataString((string)context.Request.RouteValues["path"]!)));
            yield return (One + "/claim", "POST", Surface.Streams, async context => await ClaimAsync(context, await FindAsync(context)));
            // The token of the wake, which whoever was woken has, stands where a key would, and opens no more than that wake.
            yield return (One + "/callback", "POST", Surface.Open, AckAsync);
            yield return (One + "/ack", "POST", Surface.Open, AckAsync);
            yield return (One + "/release", "POST", Surface.Open, ReleaseAsync);
        }
    }

    private async Task PutAsync(HttpContext context, string id)
    {
        var config = Normalize(await ReadAsync(context, SubscriptionJson.Default.SubscriptionConfig));
        var (subscription, isNew) = await subscriptions.CreateAsync(StreamName.OwnerOf(context), id, config, RootOf(context.Request));
        if (!isNew && Describe(subscription.Config) != Describe(config))
            throw new RequestException("The subscription is there already, with another configuration.") { Status = StatusCodes.Status409Conflict, Code = "SUBSCRIPTION_EXISTS" };
        await WriteAsync(context, await ViewAsync(context, subscription), SubscriptionJson.Default.SubscriptionView, isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task GetAsync(HttpContext context, Subscription subscription) =>
        await WriteAsync(context, await ViewAsync(context, subscription), SubscriptionJson.Default.SubscriptionView);

    private async Task DeleteAsync(HttpContext context, Subscription subscription)
    {
        await subscriptions.DeleteAsync(subscription);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task LinkAsync(HttpContext context, Subscription subscription)
    {
        var request = await ReadAsync(context, SubscriptionJson.Default.StreamsRequest);
        if (request.Streams is not { Count: > 0 } streams) throw Invalid("streams is missing or empty.");
        foreach (var path in streams) StreamAddress.Parse(path);
        await subscriptions.ChangeAsync(subscription, async () =>
        {
            if (subscription.Links.Where(link => link.Value.IsExplicit).Select(link => link.Key).Union(streams, StringComparer.Ordinal).Skip(MaxStreams).Any()) throw TooMany();
            await subscriptions.LinkAsync(subscription, streams);
            return true;
        });
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task UnlinkAsync(HttpContext context, Subscription subscription, string path)
    {
        await subscriptions.ChangeAsync(subscription, () =>
        {
            subscription.RemoveExplicitLink(path);
            return Task.FromResult(true);
        });
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task ClaimAsync(HttpContext context, Subscription subscription)
    {
        if (subscription.Config.Type != Subscription.PullWake) throw Invalid("Only a pull-wake subscription can be claimed.");
        var worker = (await ReadAsync(context, SubscriptionJson.Default.ClaimRequest)).Worker;
        if (string.IsNullOrEmpty(worker)) throw Invalid("worker is missing.");
        CheckText("worker", worker);
        var key = await subscriptions.GetKeyAsync();
        var (error, reply) = await subscriptions.ChangeAsync(subscription, () =>
        {
            var now = time.GetUtcNow();
            if (subscription.IsDeleted) throw NotFound();
            if (subscription is { Holder: { } holder, LeaseEnd: { } end } && end > now)
                return Result(new SubscriptionErrorBody("ALREADY_CLAIMED", "Another worker has it.", holder, subscription.Generation));
            if (!subscription.HasPending) return Result(new SubscriptionErrorBody("NO_PENDING_WORK", "There is nothing to do."));
            if (subscription.WakeId is null || subscription.Holder is not null) subscription.Wake(now, lapses: false); // whose lease ended is fenced
            subscription.Claim(worker, now);
            return Task.FromResult<(SubscriptionErrorBody?, ClaimReply?)>((null, new ClaimReply(
                subscription.WakeId!,
                subscription.Generation,
                key.NewToken(subscription.Owner.Name, subscription.Id, subscription.Generation),
                subscription.View(pendingOnly: true),
                subscription.Config.LeaseTtlMs!.Value)));
        });
        if (error is not null) await WriteErrorAsync(context, error);
        else await WriteAsync(context, reply!, SubscriptionJson.Default.ClaimReply);

        static Task<(SubscriptionErrorBody?, ClaimReply?)> Result(SubscriptionErrorBody error) => Task.FromResult<(SubscriptionErrorBody?, ClaimReply?)>((error, null));
    }

    private async Task AckAsync(HttpContext context)
    {
        if (TokenOf(context).Length == 0) throw NoToken();
        var request = await ReadAsync(context, SubscriptionJson.Default.AckRequest, MaxAckBytes);
        var subscription = await FindByTokenAsync(context, request);
        var acks = new List<(string Path, long Offset)>();
        foreach (var ack in request.Acks ?? [])
        {
            if (ack.Stream is null || !StreamOffset.TryParse(ack.Offset, out var offset)) throw Invalid("An ack needs a stream and an offset that this server gave.");
            acks.Add((ack.Stream, offset));
        }

        var isCurrent = await subscriptions.ChangeAsync(subscription, () =>
        {
            if (!IsCurrent(subscription, request)) return Task.FromResult(false);
            foreach (var (path, offset) in acks)
            {
                if (!subscription.TryAck(path, offset)) throw Invalid($"{path} is no stream of this subscription, or has not come so far.");
            }

            subscription.NoteDelivery(succeeded: true, time.GetUtcNow());
            if (request.Done) subscription.Release();
            else subscription.Extend(time.GetUtcNow());
            return Task.FromResult(true);
        });
        if (!isCurrent) await WriteErrorAsync(context, new SubscriptionErrorBody("FENCED", "A later wake has taken over."));
        else await WriteAsync(context, new AckReply(Ok: true, NextWake: request.Done && subscription.HasPending), SubscriptionJson.Default.AckReply);
    }

    private async Task ReleaseAsync(HttpContext context)
    {
        if (TokenOf(context).Length == 0) throw NoToken();
        var request = await ReadAsync(context, SubscriptionJson.Default.AckRequest, MaxAckBytes);
        var subscription = await FindByTokenAsync(context, request);
        var isCurrent = await subscriptions.ChangeAsync(subscription, () =>
        {
            if (!IsCurrent(subscription, request)) return Task.FromResult(false);
            subscription.Release();
            return Task.FromResult(true);
        });
        if (isCurrent) context.Response.StatusCode = StatusCodes.Status204NoContent;
        else await WriteErrorAsync(context, new SubscriptionErrorBody("FENCED", "A later wake has taken over."));
    }

    private async Task KeysAsync(HttpContext context)
    {
        var key = await subscriptions.GetKeyAsync();
        var keys = new JsonWebKeySet([new JsonWebKey("OKP", "Ed25519", key.Id, "sig", "EdDSA", Base64Url.EncodeToString(key.PublicKey))]);
        context.Response.Headers.CacheControl = "public, max-age=300";
        await WriteAsync(context, keys, SubscriptionJson.Default.JsonWebKeySet, contentType: "application/jwk-set+json");
    }

    private SubscriptionConfig Normalize(SubscriptionConfig config)
    {
        if (config.Type is not (Subscription.Webhook or Subscription.PullWake)) throw Invalid("type must be webhook or pull-wake.");
        if (config.Pattern is null && config.Streams is not { Count: > 0 }) throw Invalid("A subscription needs a pattern or streams.");
        if (config.Streams?.Count > MaxStreams) throw TooMany();
        CheckText("description", config.Description);
        CheckText("webhook.url", config.Webhook?.Url);
        if (config.LeaseTtlMs is < 1000 or > 600_000) throw Invalid("lease_ttl_ms must be from 1000 to 600000.");
        if (config.Pattern is { } pattern) StreamAddress.Parse(pattern);
        foreach (var path in config.Streams ?? []) StreamAddress.Parse(path);
        var isWebhook = config.Type == Subscription.Webhook;
        if (isWebhook && !WebhookUrl.IsAllowed(config.Webhook?.Url, webhooks.IsDevelopment))
            throw new RequestException("webhook.url must be an https address on the public internet.") { Code = "WEBHOOK_URL_REJECTED" };
        if (!isWebhook) StreamAddress.Parse(config.WakeStream);
        return config with
        {
            Streams = config.Streams is { Count: > 0 } streams ? [.. streams.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] : null,
            Webhook = isWebhook ? new WebhookConfig { Url = config.Webhook!.Url } : null,
            WakeStream = isWebhook ? null : config.WakeStream,
            LeaseTtlMs = config.LeaseTtlMs ?? 30_000,
        };
    }

    private async Task<SubscriptionView> ViewAsync(HttpContext context, Subscription subscription)
    {
        var config = subscription.Config;
        var webhook = config.Webhook is { } hook
            ? hook with { Signing = new WebhookSigning("ed25519", (await subscriptions.GetKeyAsync()).Id, RootOf(context.Request) + Prefix + "jwks.json") }
            : null;
        await subscription.Turn.WaitAsync();
        try
        {
            return new SubscriptionView(
                subscription.Id, subscription.Id, config.Type!, config.Pattern, subscription.View(pendingOnly: false), webhook, config.WakeStream,
                config.LeaseTtlMs!.Value, subscription.CreatedAt, subscription.Failures > 0 ? "failed" : "active", config.Description);
        }
        finally
        {
            subscription.Turn.Release();
        }
    }

    /// <summary>The subscription that a wake's token is for, which says whose it is too.</summary>
    private async ValueTask<Subscription> FindByTokenAsync(HttpContext context, AckRequest request)
    {
        if (request is not { WakeId: not null, Generation: { } generation }) throw Invalid("wake_id or generation is missing.");
        if (!(await subscriptions.GetKeyAsync()).IsToken(TokenOf(context), IdOf(context), generation, out var owner)) throw NoToken();
        return await subscriptions.FindAsync(new Owner(owner), IdOf(context)) ?? throw NotFound();
    }

    private static string TokenOf(HttpContext context) =>
        context.Request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : "";

    private static RequestException NoToken() => new("The token is missing, or not the one of this wake.") { Status = StatusCodes.Status401Unauthorized, Code = "INVALID_TOKEN" };

    private bool IsCurrent(Subscription subscription, AckRequest request) =>
        !subscription.IsDeleted
        && subscription.WakeId == request.WakeId
        && subscription.Generation == request.Generation
        && (subscription.LeaseEnd is not { } end || end > time.GetUtcNow());

    private static string IdOf(HttpContext context) => (string)context.Request.RouteValues["id"]!;

    private async ValueTask<Subscription> FindAsync(HttpContext context) => await subscriptions.FindAsync(StreamName.OwnerOf(context), IdOf(context)) ?? throw NotFound();

    private async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, long most = long.MaxValue)
    {
        using var body = new StreamBatch();
        await StreamBody.ReadAsync(context, new StreamMetadata("application/octet-stream"), body, Math.Min(most, options.Limits.MaxBodyBytes));
        try
        {
            return JsonSerializer.Deserialize(body.Bytes, type) ?? throw Invalid("The body is null.");
        }
        catch (JsonException)
        {
            throw Invalid("The body is not the JSON that belongs here.");
        }
    }

    private static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK, string contentType = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    private static Task WriteErrorAsync(HttpContext context, SubscriptionErrorBody error) =>
        WriteAsync(context, new SubscriptionError(error), SubscriptionJson.Default.SubscriptionError, StatusCodes.Status409Conflict);

    private static string Describe(SubscriptionConfig config) => JsonSerializer.Serialize(config, SubscriptionJson.Default.SubscriptionConfig);

    private static string RootOf(HttpRequest request) => $"{request.Scheme}://{request.Host}{request.PathBase}{StreamAddress.Root}";

    private static void CheckText(string name, string? text)
    {
        if (text?.Length > MaxText) throw Invalid($"{name} is longer than {MaxText} characters.");
    }

    private static RequestException TooMany() => Invalid($"A subscription has {MaxStreams} streams at most: subscribe by a pattern, or by several subscriptions.");

    private static RequestException Invalid(string message) => new(message) { Code = "INVALID_REQUEST" };

    private static RequestException NotFound() => new("There is no such subscription.") { Status = StatusCodes.Status404NotFound, Code = "NOT_FOUND" };
}
