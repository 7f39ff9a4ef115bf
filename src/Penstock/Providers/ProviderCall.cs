using System.Buffers;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Sse;
using Penstock.Transport;

namespace Penstock.Providers;

/// <summary>One call to a provider: sends the request, and reads the answer into a sink until it is whole or has failed.</summary>
internal sealed class ProviderCall(string generation, Target target, int choices, IAnswerSink sink, TimeProvider time, ILogger logger)
{
    private const int ReadSize = 16 * 1024;
    private const int MaxErrorBody = 16 * 1024;

    // How long a connection may stay open after the answer is whole, for usage and the last frame.
    private static readonly TimeSpan _linger = TimeSpan.FromSeconds(1);

    // An error's body is a courtesy; its status says enough.
    private static readonly TimeSpan _errorBody = TimeSpan.FromSeconds(2);

    private readonly EventReader _reader = target.Provider.Protocol.NewEventReader(choices);

    /// <summary>The provider's answer so far: whether it is whole, why it finished, its usage.</summary>
    public EventReader Answer => _reader;

    /// <summary>One reason for each of several answers; null for a single one.</summary>
    public IReadOnlyList<FinishReason>? ReasonsFor(FinishReason reason) => choices > 1 ? [.. Enumerable.Repeat(reason, choices)] : null;

    /// <param name="request">What to ask.</param>
    /// <param name="traceParent">The call's <c>traceparent</c>, or null.</param>
    /// <param name="cancellationToken">Cuts the call.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled before the answer was whole.</exception>
    /// <returns>Null when the answer is whole; otherwise what went wrong.</returns>
    public Task<GenerationError?> RunAsync(ProviderRequest request, string? traceParent, CancellationToken cancellationToken)
    {
        // Not async, so that the request does not live as long as its answer: an image weighs megabytes.
        var watch = new CallWatch(time, target.Provider.Options.FirstTokenTimeout, target.Provider.Options.TotalTimeout, cancellationToken);
        return ReadAsync(Send(request, traceParent, watch.Token), request.StreamAsked, watch, cancellationToken);
    }

    // What is thrown at once, as by a provider that is disposed, fails the call like all else.
    private Task<HttpResponseMessage> Send(ProviderRequest request, string? traceParent, CancellationToken cancellationToken)
    {
        try
        {
            return target.Provider.SendAsync(request, traceParent, cancellationToken);
        }
        catch (Exception e)
        {
            return Task.FromException<HttpResponseMessage>(e);
        }
    }

    private async Task<GenerationError?> ReadAsync(Task<HttpResponseMessage> send, bool streamAsked, CallWatch ownedWatch, CancellationToken cancellationToken)
    {
        var options = target.Provider.Options;
        using var watch = ownedWatch;
        watch.Start(); // behind the request, which is not to wait for it
        try
        {
            var response = await send;
            send = null!; // so that what it was made of goes, and so do the reply's headers: its stream may last, and is all that is needed
            Forget(response);
            if (!response.IsSuccessStatusCode)
            {
                ProviderLog.Refused(logger, generation, target.Name, (int)response.StatusCode);
                return await ReadErrorAsync(response, watch);
            }

            var isStream = IsStream(response.Content.Headers);
            using var body = response.Content.ReadAsStream(watch.Token);
            sink.Begin(asAsked: isStream == streamAsked);
            if (isStream)
                await ReadStreamAsync(body, watch);
            else
                await ReadWholeAsync(body, watch);

            return _reader.Error ?? (_reader.Finished ? null : ProviderErrors.Cut);
        }
        catch (Exception e) when (_reader.Finished && (e is OperationCanceledException || NetworkFailure.Is(e)))
        {
            return null; // the answer is whole, whatever became of the connection
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            if (watch.Expired)
                ProviderLog.Silent(logger, generation, target.Name);
            else
                ProviderLog.Broken(logger, generation, target.Name, ProviderLog.ReasonOf(e)); // SocketsHttpHandler reports its ConnectTimeout as a cancellation
            return watch.TotalExpired ? ProviderErrors.TookTooLong : watch.Expired ? ProviderErrors.Timeout : ProviderErrors.Unreachable;
        }
        catch (Exception e) when (NetworkFailure.Is(e) || e is HttpProtocolException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ProviderLog.Broken(logger, generation, target.Name, ProviderLog.ReasonOf(e));
            return e is HttpRequestException or SocketException ? ProviderErrors.Unreachable : ProviderErrors.Cut;
        }
        catch (Exception e) when (e is ProviderFormatException or JsonException or SseLineTooLongException)
        {
            ProviderLog.Malformed(logger, generation, target.Name, e is JsonException ? "no JSON" : e.Message); // whose message may quote the provider
            return e is SseLineTooLongException ? ProviderErrors.TooLong(options.MaxLineLength) : ProviderErrors.Malformed;
        }
    }

    // A connection may keep the request for as long as the answer lasts, and its body may hold images.
    private static void Forget(HttpResponseMessage response)
    {
        if (response.RequestMessage is { } request) request.Content = null;
        response.RequestMessage = null;
    }

    private async Task ReadStreamAsync(Stream body, CallWatch watch)
    {
        var idle = target.Provider.Options.IdleTimeout;
        using var frames = new SseReader(target.Provider.Options.MaxLineLength);
        await using var ahead = new ReadAhead(body, watch);
        while (!_reader.Done && _reader.Error is null)
        {
            var (buffer, read) = ahead.Take();
            if (read == 0)
            {
                _ = await ahead.WaitAsync(); // for data, so that a silent stream holds no buffer
                buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
            }

            try
            {
                if (read == 0) read = await body.ReadAsync(buffer, watch.Token);
                var lingering = _reader.Finished;
                Take(frames, buffer.AsSpan(0, read));
                if (read == 0) frames.End();
                if (!frames.Outside.IsEmpty) _reader.ReadOutside(frames.Outside);
                if (!lingering && sink.HasOutput) watch.Touch(idle); // a preamble is not the first token
                if (_reader.Finished && !lingering) watch.Touch(_linger); // once: what chatters on after the answer ends all the same
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer!);
            }

            var commit = sink.CommitAsync();
            if (commit.IsCompleted || _reader.Done || _reader.Error is not null) await commit; // there is nothing to read ahead of
            else await ahead.WhileAsync(commit, isProgress: !_reader.Finished && sink.HasOutput);
            if (read == 0) break;
        }
    }

    private void Take(SseReader frames, ReadOnlySpan<byte> bytes)
    {
        while (frames.TryRead(ref bytes, out var frame))
        {
            _reader.Read(frame.Event, frame.Data, sink);
            if (_reader.Done || _reader.Error is not null) return;
            EndPayload(frame.Event, frame.Data);
        }
    }

    private async Task ReadWholeAsync(Stream body, CallWatch watch)
    {
        var limit = target.Provider.Options.MaxLineLength;
        var whole = new ArrayBufferWriter<byte>(ReadSize);
        int read;
        while ((read = await body.ReadAsync(whole.GetMemory(ReadSize), watch.Token)) > 0)
        {
            whole.Advance(read);
            if (whole.WrittenCount > limit) throw new SseLineTooLongException(limit);
        }

        _reader.ReadWhole(whole.WrittenSpan, sink);
        if (_reader.Error is null) EndPayload([], whole.WrittenSpan);
        await sink.CommitAsync();
    }

    private void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload) =>
        sink.EndPayload(eventName, payload, _reader.Finished ? _reader.Usage : null);

    private async Task<GenerationError> ReadErrorAsync(HttpResponseMessage reply, CallWatch watch)
    {
        using var response = reply;
        watch.Touch(_errorBody);
        var body = new byte[MaxErrorBody];
        var length = 0;
        try
        {
            using var stream = await response.Content.ReadAsStreamAsync(watch.Token);
            length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, watch.Token);
        }
        catch (Exception e) when (watch.Expired || NetworkFailure.Is(e))
        {
            // The status says enough.
        }

        return target.Provider.Protocol.ReadError((int)response.StatusCode, body.AsSpan(0, length), RetryAfter(response));
    }

    // Not parsed: the first token waits for it.
    private static bool IsStream(HttpContentHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues("Content-Type", out var types)) return true;
        var type = types.ToString().AsSpan();
        return !type[..(type.IndexOf(';') is >= 0 and var end ? end : type.Length)].TrimEnd().EndsWith("json", StringComparison.OrdinalIgnoreCase);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (response.Headers.TryGetValues("retry-after-ms", out var values) && double.TryParse(values.First(), out var ms) && ms is >= 0 and < 1e9)
            return TimeSpan.FromMilliseconds(ms);
        var header = response.Headers.RetryAfter;
        if (header?.Date is { } date) return date > time.GetUtcNow() ? date - time.GetUtcNow() : TimeSpan.Zero;
        return header?.Delta;
    }
}
