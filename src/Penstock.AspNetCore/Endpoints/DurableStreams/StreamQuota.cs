using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>How many streams, and how many bytes in them, an owner may keep.</summary>
internal sealed class StreamQuota(IStreamLog log, PenstockOptions options, TimeProvider time)
{
    private readonly StreamsOptions _limits = options.Streams;
    private readonly StreamAccounts<string> _accounts = new(log, options.Streams.MaxPerOwner, options.Streams.MaxBytesPerOwner, StreamsBelow, time);

    /// <summary>Takes room for an owner's new stream, or for more in one; what it is for has failed unless <see cref="StreamRoom.Keep"/> is called.</summary>
    /// <returns>The room; null where nothing limits it.</returns>
    /// <exception cref="RequestException">There is none.</exception>
    public ValueTask<StreamRoom?> TakeAsync(StreamName name, int streams, long bytes) =>
        !_accounts.IsLimited || (streams == 0 && bytes == 0) ? default : TakeOfAccountAsync(name, streams, bytes);

    private async ValueTask<StreamRoom?> TakeOfAccountAsync(StreamName name, int streams, long bytes)
    {
        var account = _accounts.Of(StreamName.PrefixOf(name.Owner.Name));
        return await account.TakeAsync(streams, bytes) ?? throw Refusal(account.Has, streams, bytes);
    }

    /// <summary>An owner has deleted something: there is more room than was counted.</summary>
    public void Recount(StreamName name) => _accounts.Recount(StreamName.PrefixOf(name.Owner.Name));

    private static OwnedStreams StreamsBelow(string prefix) => new(prefix, static _ => true, info => StreamMetadata.Of(info).ForkedFrom is { } source ? prefix + source : null);

    private RequestException Refusal((long Streams, long Bytes) has, int streams, long bytes) => new(
        _limits.MaxPerOwner > 0 && has.Streams + streams > _limits.MaxPerOwner
            ? $"You have {has.Streams} streams, which is as many as you may keep. Delete some, or let them expire ({StreamHeader.TimeToLive})."
            : $"Your streams hold {has.Bytes} bytes, and may hold {_limits.MaxBytesPerOwner} in all: {bytes} more are too many. Delete some, or let them expire ({StreamHeader.TimeToLive}).")
    {
        Status = StatusCodes.Status507InsufficientStorage,
        Code = "quota_exceeded",
    };
}
