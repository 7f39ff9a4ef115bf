namespace Penstock.Streams;

/// <summary>
/// A store of append-only streams. A stream is a path and a dense sequence of events, each an opaque run of bytes
/// at an offset that counts from 0 and is never reissued. Either one writer at a time appends, or the stream is shared and
/// whoever knows its path does; any number of readers follow.
/// </summary>
/// <remarks>
/// The law, held by every implementation (the compliance suite in the tests states it case by case):
/// no reader sees an event before the store holds it to the level it promises; a batch is stored whole or not at all;
/// an append by a stale writer is refused; a closed stream never grows; a producer's append to a shared stream is stored
/// once however often it comes, for what tells a retry is stored in the same unit as the data. A store may be told to keep
/// only so much of a shared stream; it then forgets from the beginning, and says so to whoever reads there.
/// </remarks>
public interface IStreamLog : IAsyncDisposable
{
    /// <summary>Whether several processes share the store, so that an open stream may have its writer, and a stream its readers, elsewhere.</summary>
    bool SpansNodes => false;

    /// <summary>Whether a reader in another process that shares the store waits for more of a stream.</summary>
    ValueTask<bool> IsWatchedElsewhereAsync(string path, CancellationToken cancellationToken = default) => ValueTask.FromResult(false);

    /// <summary>Whether the store answers, as far as is known at the moment.</summary>
    bool IsReachable => true;

    /// <summary>Whether the store refused something for want of room, and has had none since; false for one that does not know.</summary>
    bool IsFull => false;

    /// <summary>
    /// Until the result is disposed, has <paramref name="lost"/> called once another process has taken the writer's stream over or deleted it:
    /// as soon as the store hears of it, which may be never, for the writer's next append is refused in any case. It must not block.
    /// A store of one process calls nobody.
    /// </summary>
    IDisposable? WhenLost(IStreamWriter writer, Action lost) => null;

    /// <summary>
    /// Asks the other processes that share the store, and returns the answers of those that gave one within a moment: one that has died says
    /// nothing. A store of one process has nobody to ask.
    /// </summary>
    ValueTask<IReadOnlyList<string>> AskOthersAsync(string question, CancellationToken cancellationToken = default) => ValueTask.FromResult<IReadOnlyList<string>>([]);

    /// <summary>Has what the others ask answered from now on; <paramref name="answer"/> must not block.</summary>
    void AnswerOthers(Func<string, string> answer)
    {
    }

    /// <summary>Creates a stream and returns its first writer (epoch 1).</summary>
    /// <exception cref="StreamExistsException">The path is taken.</exception>
    /// <exception cref="StreamStorageException">The store cannot take it: full, or failing.</exception>
    ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default);

    /// <summary>Creates a shared stream, with its first events in the same unit if there are any.</summary>
    /// <exception cref="StreamExistsException">The path is taken.</exception>
    /// <exception cref="StreamGoneException">The fork's source is not there.</exception>
    /// <exception cref="StreamStorageException">The store cannot take it: full, or failing.</exception>
    ValueTask<StreamInfo> CreateSharedAsync(string path, SharedStreamOptions options, StreamBatch? events = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Appends the batch's events to a shared stream as one unit, unless what <paramref name="append"/> says of itself tells
    /// that they are stored already or must not be. When the task completes with <see cref="AppendStatus.Appended"/> or
    /// <see cref="AppendStatus.Duplicate"/> they are stored. The batch's bytes are copied before the task completes.
    /// </summary>
    /// <exception cref="StreamStorageException">The store cannot take the batch; nothing of it is visible, and nothing else is harmed.</exception>
    ValueTask<AppendResult> AppendAsync(string path, StreamBatch batch, StreamAppend append = default, CancellationToken cancellationToken = default);

    /// <summary>Becomes the writer of an existing open stream with the next epoch; every earlier writer is fenced.</summary>
    /// <param name="path">The stream.</param>
    /// <param name="after">The epoch to take it over from; of several that do, one succeeds. Null for whichever it has.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The new writer, or null when there is no such stream, it is closed or shared, or somebody else took it over first.</returns>
    ValueTask<IStreamWriter?> TakeOverAsync(string path, long? after = null, CancellationToken cancellationToken = default);

    /// <summary>Opens a reader whose first event is the one at <paramref name="offset"/>. To a shared stream's time to live that is a use.</summary>
    /// <returns>The reader, or null when there is no such stream.</returns>
    ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default);

    /// <summary>What is known of a stream without reading its events, or null when there is none.</summary>
    ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default);

    /// <summary>All streams whose path starts with <paramref name="prefix"/>, newest first.</summary>
    IAsyncEnumerable<StreamInfo> ListAsync(string prefix = "", CancellationToken cancellationToken = default);

    /// <summary>Removes a stream for good, though its forks keep what they begin with, and its path until then; its readers end with <see cref="StreamWait.Gone"/>, its writer with <see cref="StreamGoneException"/>.</summary>
    /// <returns>False when there is no such stream.</returns>
    ValueTask<bool> DeleteAsync(string path, CancellationToken cancellationToken = default);
}

/// <summary>Appends to one stream. Not for concurrent use: the stream has one producer.</summary>
public interface IStreamWriter
{
    string Path { get; }

    /// <summary>Which producer this is; counts from 1 and grows with each take-over.</summary>
    long Epoch { get; }

    /// <summary>The offset that the next appended event gets.</summary>
    long NextOffset { get; }

    /// <summary>
    /// Appends the batch's events as one unit and, with <paramref name="close"/>, ends the stream in the same unit.
    /// When the task completes the events are stored and readers may see them. The batch's bytes are copied before
    /// the task completes; clear or return it afterwards. Completes synchronously when the store can.
    /// An empty batch is allowed with <paramref name="close"/>.
    /// </summary>
    /// <exception cref="StreamFencedException">A later writer has taken over.</exception>
    /// <exception cref="StreamClosedException">The stream was closed before.</exception>
    /// <exception cref="StreamGoneException">The stream was deleted or has expired.</exception>
    /// <exception cref="StreamStorageException">The store cannot take the batch; nothing of it is visible, and nothing else is harmed.</exception>
    ValueTask AppendAsync(StreamBatch batch, bool close = false);
}

/// <summary>A cursor on one stream. Not for concurrent use, but for <see cref="Wake"/>.</summary>
public interface IStreamReader : IDisposable
{
    /// <summary>When the stream was created.</summary>
    DateTimeOffset CreatedAt { get; }

    /// <summary>The offset of the event that <see cref="TryRead"/> returns next.</summary>
    long NextOffset { get; }

    /// <summary>How far the stream has come by now; null where that takes I/O, and when the stream has gone.</summary>
    StreamTail? Tail => null;

    /// <summary>Returns the next event if it is at hand without I/O. Its bytes are valid until the next call on this reader.</summary>
    bool TryRead(out StreamEvent streamEvent);

    /// <summary>Goes on at a later offset; what is between was had elsewhere.</summary>
    void SkipTo(long offset);

    /// <summary>
    /// Waits until <see cref="TryRead"/> has something to return, or never will. Continuations run where the append
    /// committed, so they must not block.
    /// </summary>
    /// <exception cref="StreamCorruptException">The next event's record is damaged; it is never served.</exception>
    ValueTask<StreamWait> WaitAsync();

    /// <summary>Makes the current or the next <see cref="WaitAsync"/> return <see cref="StreamWait.Woken"/>. Safe from any thread, after disposal too.</summary>
    void Wake();
}

public enum StreamWait
{
    /// <summary>Events are at hand.</summary>
    Ready,

    /// <summary>Every event was read and the stream is closed.</summary>
    Closed,

    /// <summary><see cref="IStreamReader.Wake"/> was called.</summary>
    Woken,

    /// <summary>The stream was deleted, or has expired.</summary>
    Gone,

    /// <summary>The next event is not kept any more: the stream begins later now.</summary>
    Behind,
}

/// <summary>How far a stream has come.</summary>
/// <param name="FirstOffset">The first event that is kept.</param>
/// <param name="NextOffset">The offset that comes next.</param>
/// <param name="Closed">Nothing comes any more.</param>
public readonly record struct StreamTail(long FirstOffset, long NextOffset, bool Closed);

/// <summary>One event of a stream: its offset and its bytes.</summary>
public readonly ref struct StreamEvent(long offset, ReadOnlySpan<byte> data)
{
    public long Offset { get; } = offset;

    public ReadOnlySpan<byte> Data { get; } = data;
}

/// <summary>What a stream is made with.</summary>
public sealed record StreamOptions
{
    /// <summary>Opaque bytes kept with the stream and given back in <see cref="StreamInfo"/>; empty by default.</summary>
    public ReadOnlyMemory<byte> Metadata { get; init; }

    /// <summary>How long the stream is kept after it was closed; null takes the store's own setting.</summary>
    public TimeSpan? Retention { get; init; }
}

/// <summary>What is known of a stream without reading it.</summary>
public sealed record StreamInfo
{
    public required string Path { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Tells apart the streams that had the same path one after another, and grows from one to the next.</summary>
    public required long Number { get; init; }

    /// <summary>Whoever knows the path may append.</summary>
    public required bool Shared { get; init; }

    /// <summary>The epoch of the latest writer.</summary>
    public required long Epoch { get; init; }

    /// <summary>The first event that is kept; more than 0 once a shared stream has outgrown what the store keeps of it.</summary>
    public required long FirstOffset { get; init; }

    /// <summary>How many events were stored, which is the offset that comes next.</summary>
    public required long NextOffset { get; init; }

    /// <summary>The bytes of its events that are kept; of a fork, of its own.</summary>
    public long Bytes { get; init; }

    public required bool Closed { get; init; }

    /// <summary>When it was closed, as far as the store knows; null while it is open.</summary>
    public DateTimeOffset? ClosedAt { get; init; }

    /// <summary>It was deleted or has expired, but forks still begin with its events: nobody else can read it, and its path is taken.</summary>
    public bool KeptForForks { get; init; }

    /// <summary>When the stream goes, as far as that is known: of a stream with a writer, once it is closed.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public ReadOnlyMemory<byte> Metadata { get; init; }

    /// <summary>What the store keeps in memory of a shared stream; null where that is nothing.</summary>
    internal StreamTerms? Terms { get; init; }
}
