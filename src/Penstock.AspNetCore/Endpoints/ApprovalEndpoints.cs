using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Generations.Tools;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>POST /v1/generations/{id}/approvals/{call}</c>: allows a call of a tool that waits for a person, or does not.</summary>
internal sealed class ApprovalEndpoints(GenerationEndpoint endpoint, NativeEndpoints native, GenerationService generations, ToolApprovals approvals, PenstockOptions options)
{
    private const string Example = """{"approve": true}""";

    public void Map(IEndpointRouteBuilder routes) =>
        routes.Map("/v1/generations/{id}/approvals/{call}", Surface.Generations, ("POST", context => endpoint.HandleAsync(context, ClientProtocols.Native, () => PostAsync(context))));

    private async Task PostAsync(HttpContext context)
    {
        var owner = Caller.Of(context).Owner;
        var id = await generations.ResolveAsync((string)context.Request.RouteValues["id"]!, owner) ?? throw GenerationEndpoint.NotFound();
        var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        await approvals.DecideAsync(id, (string)context.Request.RouteValues["call"]!, Read(body), owner);
        await native.WriteSnapshotAsync(context, id);
    }

    private static bool Read(ReadOnlyMemory<byte> body)
    {
        using var document = RequestJson.Parse(body, Example);
        return RequestJson.Boolean(document.RootElement, "approve", "approve")
            ?? throw RequestJson.Error("missing_required_parameter", "approve", $"'approve' is missing: send {Example}, or false to deny the call.");
    }
}
