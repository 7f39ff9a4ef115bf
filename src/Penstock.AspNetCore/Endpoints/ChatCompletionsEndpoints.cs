using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletionsEndpoints(GenerationEndpoint endpoint, PenstockOptions options)
{
    private readonly ClientProtocol _protocol = ClientProtocols.ChatCompletions;
    private readonly DisconnectPolicy _onDisconnect = options.Generations.Policy;

    public void Map(IEndpointRouteBuilder routes) =>
        routes.Map("/v1/chat/completions", Surface.ChatCompletions, ("POST", Post));

    private Task Post(HttpContext context) => endpoint.HandleAsync(context, _protocol, async () =>
    {
        if (await endpoint.TryResumeAsync(context, _protocol)) return;
        var request = _protocol.ReadRequest(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        await endpoint.StartAsync(context, _protocol, EventView.Origin, request, _onDisconnect);
    });
}
