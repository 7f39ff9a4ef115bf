namespace Penstock.Protocols;

/// <summary>Reads one provider's answer: its payloads in, events out. One instance reads one answer.</summary>
public abstract class EventReader
{
    /// <summary>
    /// The provider has said that it is done. The text is whole even if the connection lingers;
    /// usage may still come until <see cref="Done"/>.
    /// </summary>
    public bool Finished { get; protected set; }

    /// <summary>Nothing more will come: the protocol's last frame was read.</summary>
    public bool Done { get; protected set; }

    /// <summary>Why choice 0 finished; valid once <see cref="Finished"/>.</summary>
    public FinishReason Reason { get; protected set; }

    /// <summary>Why each choice finished, when there is more than one.</summary>
    public IReadOnlyList<FinishReason>? Reasons { get; protected set; }

    /// <summary>The latest usage that the provider reported, or null.</summary>
    public virtual Usage? Usage { get; protected set; }

    /// <summary>The provider reported an error inside its answer; its message is already fit for strangers.</summary>
    public GenerationError? Error { get; protected set; }

    /// <summary>The model that the provider says is answering, once it has said so.</summary>
    public string? Model { get; protected set; }

    /// <summary>Reads the payload of one frame of a streamed answer.</summary>
    /// <param name="eventName">The frame's event name, or empty.</param>
    /// <param name="payload">The frame's data.</param>
    /// <param name="sink">Takes block events (start, delta, stop); the caller writes all others itself.</param>
    /// <exception cref="ProviderFormatException">The payload is not what the protocol says.</exception>
    public abstract void Read(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, IEventSink sink);

    /// <summary>
    /// Reads what a streamed answer holds outside its frames, where some providers put their errors. It is called again with
    /// more of it as it comes.
    /// </summary>
    public virtual void ReadOutside(ReadOnlySpan<byte> text)
    {
    }

    /// <summary>Reads a whole answer that did not come as a stream.</summary>
    public abstract void ReadWhole(ReadOnlySpan<byte> body, IEventSink sink);

    /// <summary>Keeps the model's name, the first time that it is said.</summary>
    /// <param name="model">The raw value.</param>
    protected void TakeModel(ReadOnlySpan<byte> model)
    {
        if (Model is null && JsonValue.Inside(model) is { IsEmpty: false } name) Model = JsonText.ToText(name);
    }
}

/// <summary>A provider sent something that its protocol does not allow. The message is for the log, not for clients.</summary>
public sealed class ProviderFormatException(string message, Exception? inner = null) : Exception(message, inner);
