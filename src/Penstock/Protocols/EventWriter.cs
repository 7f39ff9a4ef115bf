using System.Buffers;

namespace Penstock.Protocols;

/// <summary>
/// Writes a generation's events as the client's protocol shows them. It runs once for a generation, beside its producer;
/// what it writes is stored in the log with the event, and every subscriber gets those same bytes.
/// </summary>
public abstract class EventWriter
{
    /// <summary>Writes the frames of one event, ids included; nothing where the protocol shows nothing.</summary>
    public abstract void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output);

    /// <summary>Takes note of an event that an earlier writer wrote, before a server died, so that what follows fits to it.</summary>
    /// <param name="generationEvent">The event.</param>
    /// <param name="frames">What was shown for it.</param>
    /// <param name="scratch">To write into; nobody reads it.</param>
    public virtual void Replay(in GenerationEvent generationEvent, ReadOnlySpan<byte> frames, IBufferWriter<byte> scratch) =>
        Write(generationEvent, EventId.None, scratch);

    /// <summary>Takes back what it wrote last, which could not be stored and was shown to nobody.</summary>
    /// <param name="written">What it wrote, among other bytes.</param>
    public virtual void Discard(ReadOnlySpan<byte> written)
    {
    }

    /// <summary>
    /// Writes a payload of a provider that speaks the client's own protocol, all its fields kept. The generator then calls
    /// <see cref="Write"/> for endings only.
    /// </summary>
    public virtual void WritePayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, EventId id, IBufferWriter<byte> output) =>
        throw new NotSupportedException();
}
