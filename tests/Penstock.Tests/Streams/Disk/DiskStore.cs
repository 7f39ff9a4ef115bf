using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Penstock.Streams.Disk;
using Penstock.Testing;

namespace Penstock.Tests.Streams.Disk;

/// <summary>A store that tests close, open again, copy as a crash would leave it, and damage.</summary>
internal sealed class DiskStore : IAsyncDisposable, ILogger
{
    private readonly bool _ownsFolder;

    public DiskStore(TemporaryFolder? folder = null, DiskStoreOptions? options = null, ManualTimeProvider? time = null)
    {
        _ownsFolder = folder is null;
        Folder = folder ?? new TemporaryFolder();
        Time = time ?? new ManualTimeProvider();
        Options = (options ?? new DiskStoreOptions { Folder = "" }) with { Folder = Folder.Path };
        Log = DiskStreamLog.Open(Options, Time, this);
    }

    public TemporaryFolder Folder { get; }

    public ManualTimeProvider Time { get; }

    public DiskStoreOptions Options { get; }

    public DiskStreamLog Log { get; private set; }

    /// <summary>What the store wrote to its log of messages.</summary>
    public ConcurrentQueue<string> Messages { get; } = [];

    public static DiskStoreOptions Small { get; } = new() { Folder = "", SegmentBytes = 16 << 10, RingBytes = 8 << 10 };

    public Task ReopenAsync() => ReopenAsync(static () => { });

    /// <summary>Shuts the store down, does something to its files, and opens it again.</summary>
    public async Task ReopenAsync(Action between)
    {
        await Log.DisposeAsync();
        between();
        Log = DiskStreamLog.Open(Options, Time, this);
    }

    /// <summary>Opens what a crash at this moment would leave.</summary>
    public DiskStore Crash() => new(Folder.Copy(), Options, Time);

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        if (_ownsFolder) Folder.Dispose();
    }

    void ILogger.Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (level >= LogLevel.Warning) Messages.Enqueue(formatter(state, exception));
    }

    bool ILogger.IsEnabled(LogLevel level) => true;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;
}
