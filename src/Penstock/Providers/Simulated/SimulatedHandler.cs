using System.Buffers;
using System.Net;
using Penstock.Protocols;

namespace Penstock.Providers.Simulated;

/// <summary>
/// A provider in the process: takes Chat Completions requests as a handler beneath an HTTP client, and answers with bytes,
/// pauses and, when the model's name asks for them, the faults that real providers have.
/// </summary>
internal sealed class SimulatedHandler(TimeProvider time) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Yield(); // a call over a network never answers on the caller's own stack
        var response = await AnswerAsync(request, cancellationToken);
        response.RequestMessage = request;
        return response;
    }

    private async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            var path = request.RequestUri?.AbsolutePath ?? "";
            if (request.Method != HttpMethod.Post || request.Content is null || !path.EndsWith("/chat/completions", StringComparison.Ordinal))
                throw new RequestException($"The simulated provider takes POST …/chat/completions, not {request.Method} {path}.") { Status = 404 };

            var parsed = SimulatedRequest.Parse(await request.Content.ReadAsByteArrayAsync(cancellationToken));
            return parsed.Model.Status > 0
                ? SimulatedErrors.Response(parsed.Model.Status, parsed.Model.RetryAfter)
                : Answer(parsed);
        }
        catch (RequestException e)
        {
            return SimulatedErrors.Response(e);
        }
    }

    private HttpResponseMessage Answer(SimulatedRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var script = new SimulatedScript(request, bytes, time.GetUtcNow().ToUnixTimeSeconds());
        var body = new SimulatedStream(script.Play(), bytes, time, request.Model.Split);
        return new HttpResponseMessage(HttpStatusCode.OK)
        {
            Content = new StreamContent(body) { Headers = { ContentType = new(request.Stream ? "text/event-stream" : "application/json") } },
        };
    }
}
