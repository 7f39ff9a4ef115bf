using System.Collections.Concurrent;
using Penstock.Streams;
using Penstock.Streams.Memory;

namespace Penstock.Testing;

/// <summary>A memory store that several servers in this process share, each through a view of its own, as if they were nodes.</summary>
public sealed class SharedStore : IAsyncDisposable
{
    private readonly MemoryStreamLog _log = new(new StreamStoreOptions(), TimeProvider.System);
    private readonly ConcurrentDictionary<Reader, Node> _readers = new();
    private readonly ConcurrentDictionary<Loss, string> _losses = new();
    private readonly ConcurrentDictionary<Node, Func<string, string>> _answers = new();

    /// <summary>The store itself, to look into.</summary>
    public IStreamLog Log => _log;

    /// <summary>The store as one node sees it.</summary>
    public IStreamLog NewNode() => new Node(this);

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    private sealed class Node(SharedStore store) : IStreamLog
    {
        private readonly IStreamLog _log = store._log;

        public bool SpansNodes => true;

        public ValueTask<bool> IsWatchedElsewhereAsync(string path, CancellationToken cancellationToken = default) =>
            new(store._readers.Any(r => r.Value != this && r.Key.Path == path));

        public ValueTask<IReadOnlyList<string>> AskOthersAsync(string question, CancellationToken cancellationToken = default) =>
            new([.. store._answers.Where(a => a.Key != this).Select(a => a.Value(question))]);

        public void AnswerOthers(Func<string, string> answer) => store._answers[this] = answer;

        public IDisposable WhenLost(IStreamWriter writer, Action lost)
        {
            var loss = new Loss(store, writer.Epoch, lost);
            store._losses[loss] = writer.Path;
            return loss;
        }

        public async ValueTask<IStreamWriter?> TakeOverAsync(string path, long? after = null, CancellationToken cancellationToken = default)
        {
            var writer = await _log.TakeOverAsync(path, after, cancellationToken);
            foreach (var (loss, lostPath) in store._losses)
            {
                if (writer is not null && lostPath == path && loss.Epoch < writer.Epoch) loss.Tell();
            }

            return writer;
        }

        public async ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default)
        {
            if (await _log.OpenReaderAsync(path, offset, cancellationToken) is not { } reader) return null;
            var counted = new Reader(store, path, reader);
            store._readers[counted] = this;
            return counted;
        }

        public ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default) => _log.CreateAsync(path, options, cancellationToken);

        public ValueTask<StreamInfo> CreateSharedAsync(string path, SharedStreamOptions options, StreamBatch? events = null, CancellationToken cancellationToken = default) =>
            _log.CreateSharedAsync(path, options, events, cancellationToken);

        public ValueTask<AppendResult> AppendAsync(string path, StreamBatch batch, StreamAppend append = default, CancellationToken cancellationToken = default) =>
            _log.AppendAsync(path, batch, append, cancellationToken);

        public ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default) => _log.GetAsync(path, cancellationToken);

        public IAsyncEnumerable<StreamInfo> ListAsync(string prefix = "", CancellationToken cancellationToken = default) => _log.ListAsync(prefix, cancellationToken);

        public ValueTask<bool> DeleteAsync(string path, CancellationToken cancellationToken = default) => _log.DeleteAsync(path, cancellationToken);

        public ValueTask DisposeAsync()
        {
            store._answers.TryRemove(this, out _);
            return default; // the others go on
        }
    }

    private sealed class Loss(SharedStore store, long epoch, Action lost) : IDisposable
    {
        public long Epoch => epoch;

        public void Tell() => lost();

        public void Dispose() => store._losses.TryRemove(this, out _);
    }

    private sealed class Reader(SharedStore store, string path, IStreamReader reader) : IStreamReader
    {
        public string Path => path;

        public DateTimeOffset CreatedAt => reader.CreatedAt;

        public long NextOffset => reader.NextOffset;

        public bool TryRead(out StreamEvent streamEvent) => reader.TryRead(out streamEvent);

        public void SkipTo(long offset) => reader.SkipTo(offset);

        public ValueTask<StreamWait> WaitAsync() => reader.WaitAsync();

        public void Wake() => reader.Wake();

        public void Dispose()
        {
            store._readers.TryRemove(this, out _);
            reader.Dispose();
        }
    }
}
