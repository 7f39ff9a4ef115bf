using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Jobs;

namespace Penstock.RabbitMQ;

/// <summary>A job as a message's body. Its priority is which queue it is on.</summary>
internal sealed record JobMessage(string Id, long Epoch, int HandOvers)
{
    public static byte[] Write(Job job) => JsonSerializer.SerializeToUtf8Bytes(new JobMessage(job.Id, job.Epoch, job.HandOvers), JobJson.Default.JobMessage);

    /// <summary>Null for a body that is no job.</summary>
    public static Job? TryRead(ReadOnlySpan<byte> body, JobPriority priority)
    {
        try
        {
            return JsonSerializer.Deserialize(body, JobJson.Default.JobMessage) is { Id.Length: > 0 } message
                ? new Job(message.Id) { Priority = priority, Epoch = message.Epoch, HandOvers = message.HandOvers }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(JobMessage))]
internal sealed partial class JobJson : JsonSerializerContext;
