using Penstock.Streams;
using Penstock.Streams.Memory;

namespace Penstock.Testing;

/// <summary>A store where a test steps in before an operation: it throws, and the store refuses; it does something else first, and that came first.</summary>
public sealed class InterposedStore(IStreamLog? store = null) : IStreamLog
{
    private readonly IStreamLog _log = store ?? new MemoryStreamLog(new StreamStoreOptions(), TimeProvider.System);

    /// <summary>Is given the operation's name and the stream's path.</summary>
    public Func<string, string, Task> Before { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Is given the prefix of a list once that has been read, before whoever reads it knows that this was all.</summary>
    public Func<string, Task> AfterList { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Is given the path of a shared stream that was created, before whoever created it knows: where it throws, the store's reply is lost.</summary>
    public Func<string, Task> AfterCreateShared { get; set; } = static _ => Task.CompletedTask;

    public bool SpansNodes => _log.SpansNodes;

    public bool IsReachable => _log.IsReachable;

    public bool IsFull => _log.IsFull;

    public ValueTask<bool> IsWatchedElsewhereAsync(string path, CancellationToken cancellationToken = default) => _log.IsWatchedElsewhereAsync(path, cancellationToken);

    public IDisposable? WhenLost(IStreamWriter writer, Action lost) => _log.WhenLost(writer, lost);

    public async ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default)
    {
        await Before(nameof(CreateAsync), path);
        return await _log.CreateAsync(path, options, cancellationToken);
    }

    public async ValueTask<StreamInfo> CreateSharedAsync(string path, SharedStreamOptions options, StreamBatch? events = null, CancellationToken cancellationToken = default)
    {
        await Before(nameof(CreateSharedAsync), path);
        var info = await _log.CreateSharedAsync(path, options, events, cancellationToken);
        await AfterCreateShared(path);
        return info;
    }

    public async ValueTask<AppendResult> AppendAsync(string path, StreamBatch batch, StreamAppend append = default, CancellationToken cancellationToken = default)
    {
        await Before(nameof(AppendAsync), path);
        return await _log.AppendAsync(path, batch, append, cancellationToken);
    }

    public async ValueTask<IStreamWriter?> TakeOverAsync(string path, long? after = null, CancellationToken cancellationToken = default)
    {
        await Before(nameof(TakeOverAsync), path);
        return await _log.TakeOverAsync(path, after, cancellationToken);
    }

    public async ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default)
    {
        await Before(nameof(OpenReaderAsync), path);
        return await _log.OpenReaderAsync(path, offset, cancellationToken);
    }

    public async ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default)
    {
        await Before(nameof(GetAsync), path);
        return await _log.GetAsync(path, cancellationToken);
    }

    public async IAsyncEnumerable<StreamInfo> ListAsync(string prefix = "", [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Before(nameof(ListAsync), prefix);
        await foreach (var info in _log.ListAsync(prefix, cancellationToken)) yield return info;
        await AfterList(prefix);
    }

    public async ValueTask<bool> DeleteAsync(string path, CancellationToken cancellationToken = default)
    {
        await Before(nameof(DeleteAsync), path);
        return await _log.DeleteAsync(path, cancellationToken);
    }

    public ValueTask DisposeAsync() => _log.DisposeAsync();
}
