namespace Penstock.Streams;

/// <summary>A stream operation that the store refused; the derived type says why.</summary>
public abstract class StreamException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A stream of that path is there already.</summary>
public sealed class StreamExistsException(string path) : StreamException($"The stream '{path}' exists already.");

/// <summary>A later writer has taken the stream over; this one must stop.</summary>
public sealed class StreamFencedException(string path, long epoch, long current)
    : StreamException($"The writer of '{path}' with epoch {epoch} was fenced by epoch {current}.");

/// <summary>The stream is closed and takes no more events.</summary>
public sealed class StreamClosedException(string path) : StreamException($"The stream '{path}' is closed.");

/// <summary>The stream was deleted, or its retention has ended.</summary>
public sealed class StreamGoneException(string path) : StreamException($"The stream '{path}' is gone.");

/// <summary>A stored record fails its checksum.</summary>
public sealed class StreamCorruptException(string message) : StreamException(message);

/// <summary>The store cannot take more: a full or failing disk, or a limit from the configuration.</summary>
public class StreamStorageException(string message, Exception? inner = null) : StreamException(message, inner);

/// <summary>The store is elsewhere and does not answer, for longer than is waited for it. What was asked of it last may yet be done.</summary>
public sealed class StreamUnreachableException(string message, Exception? inner = null) : StreamStorageException(message, inner);
