using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>POST /ag-ui</c>: a run, for AG-UI's clients. Its model is <c>forwardedProps.model</c>, or the default.</summary>
internal sealed class AgUiEndpoints(GenerationEndpoint endpoint, PenstockOptions options)
{
    private readonly ClientProtocol _protocol = ClientProtocols.AgUi;

    public void Map(IEndpointRouteBuilder routes) => routes.Map("/ag-ui", Surface.AgUi, ("POST", context => endpoint.HandleAsync(context, _protocol, () => PostAsync(context))));

    private async Task PostAsync(HttpContext context)
    {
        if (await endpoint.TryResumeAsync(context, _protocol)) return;
        var request = _protocol.ReadRequest(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        await endpoint.StartAsync(context, _protocol, EventView.Origin, request, options.Generations.Policy);
    }
}
