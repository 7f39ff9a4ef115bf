using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.UiMessages;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>
/// <c>/api/chat</c>, where the AI SDK's <c>useChat</c> asks by default, and Ollama's clients too: their bodies differ.
/// A page that reloads finds the answer again by its chat's name.
/// </summary>
internal sealed class UiChatEndpoints(
    GenerationEndpoint endpoint, GenerationService generations, GenerationCatalog catalog, ChatTurns turns, OllamaEndpoints ollama, ReplyOptions replies, PenstockOptions options)
{
    private readonly ClientProtocol _protocol = ClientProtocols.UiMessages;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/api/chat", Surface.Ollama, ("POST", PostAsync));
        routes.Map("/api/chat/{id}/stream", Surface.UiChat, ("GET", Handle(ResumeAsync)));
        routes.Map("/api/chat/{id}/stop", Surface.UiChat, ("POST", Handle(StopAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) => context => endpoint.HandleAsync(context, _protocol, () => handler(context));

    private Task PostAsync(HttpContext context)
    {
        // Until the body is read, errors are in Ollama's shape: a status and a sentence, which both understand.
        return endpoint.HandleAsync(context, ClientProtocols.OllamaChat, async () =>
        {
            if (await endpoint.TryResumeAsync(context, ClientProtocols.OllamaChat)) return;
            var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
            if (UiMessagesRequestReader.IsMeant(body)) await endpoint.HandleAsync(context, _protocol, () => AnswerAsync(context, body));
            else await ollama.ChatAsync(context, body);
        });
    }

    private async Task AnswerAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        var request = _protocol.ReadRequest(body);
        var chat = UiMessagesRequestReader.ReadChatId(body);
        var started = await generations.StartAsync(request, _protocol, endpoint.OptionsOf(context, request, options.Generations.Policy));
        if (chat is not null) await turns.AddAsync(Caller.Of(context).Owner, chat, started.Id);
        endpoint.WriteHeaders(context, _protocol, started);
        await ReplyAsync(context, started.Id, asked: true);
    }

    // The whole answer from its beginning, which the client puts in the place of what it has.
    private async Task ResumeAsync(HttpContext context)
    {
        var owner = Caller.Of(context).Owner;
        if (await RunningAsync(context) is not { } id || await catalog.GetInfoAsync(id, owner) is not { Closed: false })
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await ReplyAsync(context, id, asked: false);
    }

    private async Task StopAsync(HttpContext context)
    {
        if (await RunningAsync(context) is { } id) await generations.StopAsync(id, Caller.Of(context).Owner);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private ValueTask<string?> RunningAsync(HttpContext context) =>
        turns.LastAsync(Caller.Of(context).Owner, Uri.UnescapeDataString((string)context.Request.RouteValues["id"]!));

    private async Task ReplyAsync(HttpContext context, string id, bool asked)
    {
        context.Response.Headers["x-vercel-ai-ui-message-stream"] = "v1";
        var subscription = await catalog.SubscribeAsync(id, await catalog.FirstValidAsync(id)) ?? throw GenerationEndpoint.NotFound();
        using var reply = new EventStreamReply(context, _protocol, EventView.Origin, subscription, skip: 0, asked, replies);
        await reply.RunAsync();
    }
}
