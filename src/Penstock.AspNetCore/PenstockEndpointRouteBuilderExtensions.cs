using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints;
using Penstock.AspNetCore.Endpoints.Conversations;
using Penstock.AspNetCore.Endpoints.DurableStreams;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore;

public static class PenstockEndpointRouteBuilderExtensions
{
    /// <summary>Maps Penstock's endpoints; on a node that is a worker only, <c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c>.</summary>
    /// <exception cref="InvalidOperationException"><c>AddPenstock</c> was not called.</exception>
    public static IEndpointRouteBuilder MapPenstock(this IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        if (services.GetService<GenerationEndpoint>() is null)
            throw new InvalidOperationException("MapPenstock needs AddPenstock: call builder.Services.AddPenstock(builder.Configuration) before building the app.");

        var guarded = Guarded(routes, services.GetRequiredService<Gate>());
        services.GetRequiredService<HealthEndpoints>().Map(guarded);
        services.GetRequiredService<MetricsEndpoints>().Map(guarded);
        if (services.GetRequiredService<PenstockOptions>().Queue.TakesRequests) MapRequests(guarded, services);
        guarded.MapFallback("{*path}", static context => ErrorReply.WriteAsync(context, ClientProtocols.Native, new RequestException("There is nothing at this address. /docs lists what there is.")
        {
            Status = StatusCodes.Status404NotFound,
            Code = "not_found",
        })).WithMetadata(Surface.Open);
        return routes;
    }

    private static void MapRequests(RouteGroupBuilder guarded, IServiceProvider services)
    {
        services.GetRequiredService<ChatCompletionsEndpoints>().Map(guarded);
        services.GetRequiredService<MessagesEndpoints>().Map(guarded);
        services.GetRequiredService<GeminiEndpoints>().Map(guarded);
        services.GetRequiredService<ResponsesEndpoints>().Map(guarded);
        services.GetRequiredService<ConversationEndpoints>().Map(guarded);
        services.GetRequiredService<ConversationItemEndpoints>().Map(guarded);
        services.GetRequiredService<NativeEndpoints>().Map(guarded);
        services.GetRequiredService<ApprovalEndpoints>().Map(guarded);
        services.GetRequiredService<TextEndpoints>().Map(guarded);
        services.GetRequiredService<OllamaEndpoints>().Map(guarded);
        services.GetRequiredService<UiChatEndpoints>().Map(guarded);
        services.GetRequiredService<AgUiEndpoints>().Map(guarded);
        services.GetRequiredService<ModelsEndpoints>().Map(guarded);
        services.GetRequiredService<DurableStreamsEndpoints>().Map(guarded);
        services.GetRequiredService<UsageEndpoints>().Map(guarded);
        services.GetRequiredService<OperationsEndpoints>().Map(guarded);

        // Groq and Azure have OpenAI's addresses below this one, and Groq's SDK always asks there.
        var compatible = guarded.MapGroup("/openai").ExcludeFromDescription();
        services.GetRequiredService<ChatCompletionsEndpoints>().Map(compatible);
        services.GetRequiredService<ResponsesEndpoints>().Map(compatible);
        services.GetRequiredService<ConversationEndpoints>().Map(compatible);
        services.GetRequiredService<ConversationItemEndpoints>().Map(compatible);
        services.GetRequiredService<ModelsEndpoints>().Map(compatible);
    }

    private static RouteGroupBuilder Guarded(IEndpointRouteBuilder routes, Gate gate)
    {
        var group = routes.MapGroup("");
        ((IEndpointConventionBuilder)group).Finally(gate.Guard);
        return group;
    }
}
