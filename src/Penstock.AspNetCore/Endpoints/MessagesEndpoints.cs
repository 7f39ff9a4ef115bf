using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Messages;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>POST /v1/messages</c> and <c>POST /v1/messages/count_tokens</c>.</summary>
internal sealed class MessagesEndpoints(GenerationEndpoint endpoint, TokenCounter counter, PenstockOptions options)
{
    private readonly ClientProtocol _protocol = ClientProtocols.Messages;
    private readonly DisconnectPolicy _onDisconnect = options.Generations.Policy;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/v1/messages", Surface.Messages, ("POST", Handle(PostAsync)));
        routes.Map("/v1/messages/count_tokens", Surface.Messages, ("POST", Handle(CountAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) => context =>
    {
        RequestId.Give(context);
        return endpoint.HandleAsync(context, _protocol, () => handler(context));
    };

    private async Task PostAsync(HttpContext context)
    {
        if (await endpoint.TryResumeAsync(context, _protocol)) return;
        var request = _protocol.ReadRequest(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        await endpoint.StartAsync(context, _protocol, EventView.Origin, request, _onDisconnect);
    }

    private async Task CountAsync(HttpContext context)
    {
        var request = MessagesRequestReader.ReadCounting(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        await endpoint.CountTokensAsync(context, _protocol, request, counter, tokens => string.Create(CultureInfo.InvariantCulture, $"{{\"input_tokens\":{tokens}}}"));
    }
}
