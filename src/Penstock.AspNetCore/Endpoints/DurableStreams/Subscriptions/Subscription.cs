using System.Collections.Concurrent;
using System.Security.Cryptography;
using Penstock.Generations;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>
/// One subscription: how far its workers have come in each of its streams, and whether somebody works on it now. Not for
/// concurrent use: <see cref="SubscriptionRegistry"/> guards each by its <see cref="Turn"/>.
/// </summary>
internal sealed class Subscription
{
    public const string Webhook = "webhook";
    public const string PullWake = "pull-wake";

    private readonly ConcurrentDictionary<string, Link> _links = new(StringComparer.Ordinal);
    private readonly StreamGlob? _glob;

    public Subscription(string id, Owner owner, SubscriptionConfig config, string root, DateTimeOffset createdAt)
    {
        Id = id;
        Owner = owner with { SeesAll = false }; // what it wakes for is its owner's own
        Root = root;
        Config = config;
        CreatedAt = createdAt;
        _glob = config.Pattern is { } pattern ? new StreamGlob(pattern) : null;
    }

    public string Id { get; }

    /// <summary>Whose it is, and whose streams it is about. Two owners may have one of the same id.</summary>
    public Owner Owner { get; }

    public SubscriptionConfig Config { get; }

    /// <summary>The URL below which this server has its streams, as whoever made the subscription reached it.</summary>
    public string Root { get; }

    public DateTimeOffset CreatedAt { get; }

    /// <summary>Whoever changes it takes its turn.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    public bool IsDeleted { get; set; }

    /// <summary>Up to where of its log this is how it stands.</summary>
    public SubscriptionPlace Place { get; set; } = new("", 0);

    /// <summary>Fires when a lease ends or a delivery is due.</summary>
    public ITimer? Timer { get; set; }

    /// <summary>Grows with each wake; an older one is fenced.</summary>
    public long Generation { get; private set; }

    /// <summary>Of the wake that is in flight or being worked on; null when there is none.</summary>
    public string? WakeId { get; private set; }

    /// <summary>Who claimed the wake; null for nobody yet, or a webhook.</summary>
    public string? Holder { get; private set; }

    /// <summary>When the wake is given up.</summary>
    public DateTimeOffset? LeaseEnd { get; private set; }

    /// <summary>How many deliveries have failed in a row.</summary>
    public int Failures { get; private set; }

    /// <summary>No delivery is tried before.</summary>
    public DateTimeOffset? NextAttemptAt { get; private set; }

    public TimeSpan Lease => TimeSpan.FromMilliseconds(Config.LeaseTtlMs!.Value);

    public IEnumerable<KeyValuePair<string, Link>> Links => _links;

    public bool HasPending => _links.Values.Any(link => link.Tail > link.Acked);

    /// <summary>Its own wake stream aside: waking would wake it again.</summary>
    public bool Matches(string path) => path != Config.WakeStream && _glob is not null && _glob.Matches(path);

    /// <summary>Whether what happens to a stream is of interest; safe from any thread.</summary>
    public bool Concerns(StreamName name) => name.Owner.Name == Owner.Name && (_links.ContainsKey(name.Path) || Matches(name.Path));

    public StreamName NameOf(string path) => new(path, Owner);

    /// <summary>Links a stream, or notes that it is linked in one more way.</summary>
    public void AddLink(string path, bool isExplicit, long acked, long tail)
    {
        var link = _links.GetOrAdd(path, _ => new Link { Acked = acked, Tail = tail });
        if (isExplicit) link.IsExplicit = true;
        else link.IsGlob = true;
    }

    public void RemoveExplicitLink(string path)
    {
        if (!_links.TryGetValue(path, out var link)) return;
        link.IsExplicit = false;
        if (!link.IsGlob) _links.TryRemove(path, out _);
    }

    /// <summary>A stream has grown from one offset to another.</summary>
    public void NoteAppend(string path, long before, long after)
    {
        if (Matches(path)) AddLink(path, isExplicit: false, before, after);
        if (_links.TryGetValue(path, out var link)) link.Tail = Math.Max(link.Tail, after);
    }

    public bool IsLinked(StreamName name) => name.Owner.Name == Owner.Name && _links.ContainsKey(name.Path);

    /// <summary>A stream has come in the place of another one: nothing of it is done.</summary>
    public void NoteCreate(string path, long begins, long tail)
    {
        if (_links.TryGetValue(path, out var link)) (link.Acked, link.Tail) = (begins, tail);
    }

    /// <summary>A stream was deleted; another one may come in its place.</summary>
    public void NoteDelete(string path)
    {
        if (!_links.TryGetValue(path, out var link)) return;
        link.Acked = link.Tail = 0;
        if (!link.IsExplicit) _links.TryRemove(path, out _);
    }

    /// <summary>How far its streams have come, from the log itself: other nodes append too.</summary>
    public void NoteTail(string path, long tail)
    {
        if (_links.TryGetValue(path, out var link)) link.Tail = tail;
    }

    /// <summary>Begins a wake.</summary>
    /// <param name="now">The time.</param>
    /// <param name="lapses">Whether it is given up where nobody hears of it, even before anybody has claimed it.</param>
    public void Wake(DateTimeOffset now, bool lapses)
    {
        Generation++;
        WakeId = "w_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        Holder = null;
        LeaseEnd = Config.Type == Webhook || lapses ? now + Lease : null;
    }

    public void Claim(string worker, DateTimeOffset now)
    {
        Holder = worker;
        LeaseEnd = now + Lease;
    }

    /// <summary>It is in its wake stream, where it waits for whoever claims it.</summary>
    public void NoteAnnounced(string wakeId)
    {
        if (WakeId == wakeId && Holder is null) LeaseEnd = null;
    }

    public void Extend(DateTimeOffset now) => LeaseEnd = now + Lease;

    /// <summary>The wake is over.</summary>
    public void Release()
    {
        WakeId = Holder = null;
        LeaseEnd = null;
    }

    /// <summary>Everything up to an offset is done.</summary>
    /// <returns>False when there is no such place.</returns>
    public bool TryAck(string path, long offset)
    {
        if (!_links.TryGetValue(path, out var link) || offset > link.Tail) return false;
        link.Acked = Math.Max(link.Acked, offset);
        return true;
    }

    public void NoteDelivery(bool succeeded, DateTimeOffset now)
    {
        Failures = succeeded ? 0 : Failures + 1;
        // From 1 second up to 60, a fifth more or less.
        NextAttemptAt = succeeded ? null : now + TimeSpan.FromSeconds(Math.Min(60, Math.Pow(2, Math.Min(Failures - 1, 6))) * (0.8 + (0.4 * Random.Shared.NextDouble())));
    }

    public void AllowAttempt() => NextAttemptAt = null;

    /// <summary>The streams as clients see them; only those with something to do if so asked.</summary>
    public List<StreamView> View(bool pendingOnly) =>
    [
        .. _links.Where(l => !pendingOnly || l.Value.Tail > l.Value.Acked).OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => new StreamView(
            l.Key,
            l.Value.IsExplicit ? "explicit" : "glob",
            StreamOffset.Format(l.Value.Acked),
            pendingOnly ? StreamOffset.Format(l.Value.Tail) : null,
            pendingOnly ? true : null)),
    ];

    public SubscriptionRecord ToRecord() => new(
        Id, Owner.Name, Config, Root, CreatedAt, Generation, [.. _links.Select(l => new LinkRecord(l.Key, l.Value.IsExplicit, l.Value.IsGlob, l.Value.Acked))], Failures, NextAttemptAt)
    {
        WakeId = WakeId,
        Holder = Holder,
        LeaseEnd = LeaseEnd,
        IsDeleted = IsDeleted,
    };

    public static Subscription From(SubscriptionRecord record, SubscriptionPlace place)
    {
        var subscription = new Subscription(record.Id, new Owner(record.Owner), record.Config, record.Root, record.CreatedAt);
        subscription.Set(record, place);
        return subscription;
    }

    /// <summary>It stands so now. How far its streams have come is not in the log, and remains.</summary>
    public void Set(SubscriptionRecord record, SubscriptionPlace place)
    {
        (Place, Generation, Failures, NextAttemptAt) = (place, record.Generation, record.Failures, record.NextAttemptAt);
        (WakeId, Holder, LeaseEnd) = (record.WakeId, record.Holder, record.LeaseEnd);
        foreach (var path in _links.Keys.Except(record.Links.Select(l => l.Path)).ToList()) _links.TryRemove(path, out _);
        foreach (var known in record.Links)
        {
            var link = _links.GetOrAdd(known.Path, _ => new Link { Acked = known.Acked, Tail = known.Acked });
            if (known.Acked < link.Acked) link.Tail = known.Acked; // another stream has come in its place
            (link.IsExplicit, link.IsGlob, link.Acked, link.Tail) = (known.Explicit, known.Glob, known.Acked, Math.Max(link.Tail, known.Acked));
        }
    }
}

/// <summary>One stream of a subscription.</summary>
internal sealed class Link
{
    public bool IsExplicit { get; set; }

    public bool IsGlob { get; set; }

    /// <summary>All before this offset is done.</summary>
    public long Acked { get; set; }

    /// <summary>The stream's next offset.</summary>
    public long Tail { get; set; }
}
