using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Penstock.Streams;
using Penstock.Tests.Streams;

namespace Penstock.Redis.Tests;

/// <summary>Stores of several processes on one Redis, and what tests do with them.</summary>
internal static class Stores
{
    public static RedisStreamLog Open(string connection, Func<RedisStoreOptions, RedisStoreOptions>? configure = null, ILogger? logger = null)
    {
        var options = new RedisStoreOptions { Connection = connection };
        return new RedisStreamLog(configure?.Invoke(options) ?? options, TimeProvider.System, logger ?? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
    }

    /// <summary>Appends numbers, one after another, and calls in between; closes behind the last.</summary>
    public static async Task CountAsync(this IStreamWriter writer, int count, Func<int, Task>? between = null)
    {
        for (var i = 0; i < count; i++)
        {
            if (between is not null) await between(i);
            await writer.AppendAsync($"{i}");
        }

        await writer.CloseAsync();
    }

    public static IEnumerable<string> Numbers(int count) => Enumerable.Range(0, count).Select(i => $"{i}");
}

/// <summary>Keeps what is logged.</summary>
internal sealed class LogLines : ILogger
{
    public ConcurrentQueue<string> All { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        All.Enqueue($"{formatter(state, exception)} {exception}");
}
