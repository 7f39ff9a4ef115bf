namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>The headers of the Durable Streams protocol: https://github.com/durable-streams/durable-streams/blob/main/PROTOCOL.md</summary>
internal static class StreamHeader
{
    public const string NextOffset = "Stream-Next-Offset";
    public const string UpToDate = "Stream-Up-To-Date";
    public const string Closed = "Stream-Closed";
    public const string Cursor = "Stream-Cursor";
    public const string Sequence = "Stream-Seq";
    public const string TimeToLive = "Stream-TTL";
    public const string ExpiresAt = "Stream-Expires-At";
    public const string ForkedFrom = "Stream-Forked-From";
    public const string ForkOffset = "Stream-Fork-Offset";
    public const string ForkSubOffset = "Stream-Fork-Sub-Offset";
    public const string DataEncoding = "Stream-SSE-Data-Encoding";
    public const string ProducerId = "Producer-Id";
    public const string ProducerEpoch = "Producer-Epoch";
    public const string ProducerSeq = "Producer-Seq";
    public const string ProducerExpectedSeq = "Producer-Expected-Seq";
    public const string ProducerReceivedSeq = "Producer-Received-Seq";

    /// <summary>What a page of another origin may read of a reply.</summary>
    public static string[] Exposed { get; } =
    [
        NextOffset, UpToDate, Closed, Cursor, TimeToLive, ExpiresAt, DataEncoding, ProducerEpoch, ProducerSeq, ProducerExpectedSeq, ProducerReceivedSeq, "ETag",
    ];
}
