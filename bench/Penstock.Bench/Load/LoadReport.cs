using System.Text.Json.Serialization;

namespace Penstock.Bench.Load;

/// <summary>What a load measured; times are in microseconds, from the write of a request or of a token to its read.</summary>
sealed record LoadReport
{
    public int Completed { get; init; }
    public long Tokens { get; init; }
    public double Seconds { get; init; }

    /// <summary>What the load itself used of its core, in seconds.</summary>
    public double LoadCpuSeconds { get; init; }

    public double TtftP50 { get; init; }
    public double TtftP99 { get; init; }
    public double LatencyP50 { get; init; }
    public double LatencyP99 { get; init; }

    /// <summary>How many replies had which fault.</summary>
    public Dictionary<Fault, int> Faults { get; init; } = [];

    /// <summary>The head of the first response that was no streamed 200.</summary>
    public string? FirstFailure { get; init; }
}

[JsonSerializable(typeof(LoadReport))]
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
sealed partial class LoadJson : JsonSerializerContext;
