using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>The names of what Redis holds of one stream. They share a hash tag, so that a cluster keeps them together.</summary>
internal sealed class StreamKeys
{
    /// <summary>All streams' creation, counted.</summary>
    public const string Counter = "penstock:number";

    /// <summary>Is set to see whether there is room, and has gone at once.</summary>
    public const string Room = "penstock:room";

    public StreamKeys(string path, int database)
    {
        var meta = $"penstock:{{{path}}}";
        All = [meta, meta + ":events", meta + ":producers", meta + ":order", meta + ":forks"];
        Written = [All[0], All[1]];
        // What is published reaches all databases.
        Channel = $"{meta}@{database}";
        WriterChannel = $"{meta}:writer@{database}";
    }

    public RedisKey[] All { get; }

    /// <summary>Those of a stream that one writer owns.</summary>
    public RedisKey[] Written { get; }

    /// <summary>Where its events are published.</summary>
    public string Channel { get; }

    /// <summary>Where its writer is told of the next one's epoch.</summary>
    public string WriterChannel { get; }
}
