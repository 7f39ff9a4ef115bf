using System.Diagnostics.CodeAnalysis;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Who asks for generations. Each belongs to whoever started it, and nobody else learns of it.</summary>
/// <param name="Name">Null for nobody in particular, as on a server without authentication.</param>
/// <param name="SeesAll">An operator, to whom all generations are as their own.</param>
public readonly record struct Owner(string? Name, bool SeesAll = false)
{
    private static readonly byte[] _nothing = new GenerationMetadata("native", Stream: true, IncludeUsage: false, Choices: 1, "provider/model", "provider/model").ToBytes();

    /// <summary>Whether a generation is this owner's. The one place that decides it.</summary>
    /// <param name="generation">Its stream, or null where there is none, which takes as long to say.</param>
    public bool Sees([NotNullWhen(true)] StreamInfo? generation)
    {
        if (SeesAll) return generation is not null;
        var metadata = GenerationMetadata.TryRead(generation?.Metadata ?? _nothing);
        return generation is not null && metadata?.Owner == Name;
    }
}
